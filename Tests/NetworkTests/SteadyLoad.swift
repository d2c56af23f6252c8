import Glibc
import Linux
import Support

/// Clients who ask without end, whoever answers; bounded by their pace.
final class SteadyLoad {
  private let threads: [Linux.Thread]
  private let isStopping = Monitor(false)

  init(in network: FoundingNetwork) throws {
    let stopping = isStopping
    var threads: [Linux.Thread] = []
    for address in [AdoptedHost.near, AdoptedHost.far] {
      let client = try UDPClient(in: network.container, from: Endpoint(.anyIPv4, 0))
      threads.append(
        try Linux.Thread(named: "load") {
          let request = ServiceProgram.Request().bytes("load")
          while !stopping.with({ $0 }) {
            for _ in 0..<20 { try? client.send(request, to: Endpoint(address, 5678)) }
            usleep(2_000)
            while (try? client.receive(within: .zero)) ?? nil != nil {}
          }
        })
    }
    self.threads = threads
  }

  func stop() throws {
    isStopping.with { $0 = true }
    for thread in threads { thread.join() }
  }
}
