import Linux
import Support
import Testing

/// What several listeners have received in one turn of the loop leaves to the backend together.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct GatheringTests {
  private static let hosts = ["10.1.0.1", "10.1.0.2", "10.1.0.3"]

  @Test(.enabled(if: Trace.isPossible && !isSanitized, "strace cannot trace here, or a sanitizer would be seen"))
  func oneSystemCallSendsWhatSeveralListenersReceived() throws {
    let scene = try Scene("--listen 5678 --backend 127.0.0.1:7000")
    let service = try ServiceProgram(on: .of("127.0.0.1:7000"), in: scene.network.host)
    let trace = try Trace(of: scene.relay.process.processID)
    var ledger = Ledger()
    try scene.askAllAtOnce(Self.hosts.map { try .of("\($0):5678") }, &ledger)
    // strace may break a line in two when another thread calls meanwhile: the end of it tells enough.
    func calls() -> Int { trace.lines.filter { $0.contains("], 3, MSG_DONTWAIT|MSG_NOSIGNAL) = 3") }.count }
    try eventually("one call with all three") { calls() == 1 }
    #expect(service.process.exit == nil)
  }

  /// Each port of a range has a backend port of its own: nobody gets what was meant for another.
  @Test func whatGoesToAnotherPortLeavesBeforeIt() throws {
    let scene = try Scene("--listen 5000-5001 --backend 127.0.0.1:7000-7001")
    let services = try [7000, 7001].map { try ServiceProgram(on: .of("127.0.0.1:\($0)"), in: scene.network.host) }
    var ledger = Ledger()
    let asked = try Self.hosts.flatMap { host in try [5000, 5001].map { try Endpoint.of("\(host):\($0)") } }
    for _ in 1...5 { try scene.askAllAtOnce(asked, &ledger) }
    #expect(services.allSatisfy { $0.process.exit == nil })
  }

  /// 150 datagrams wait at three listeners, more than two batches take.
  @Test func whatDoesNotFitIntoOneBatchLeavesInSeveralAndNothingIsLost() throws {
    let scene = try Scene("--listen 5678 --backend 127.0.0.1:7000")
    let service = try ServiceProgram(on: .of("127.0.0.1:7000"), in: scene.network.host)
    var ledger = Ledger()
    let asked = try (1...50).flatMap { _ in try Self.hosts.map { try Endpoint.of("\($0):5678") } }
    try scene.askAllAtOnce(asked, &ledger)
    #expect(service.process.exit == nil)
  }

  /// A relay that is asked while it stands still, so that everything waits when it goes on.
  private struct Scene {
    let network: PairNetwork
    let relay: MultihomedProcess

    init(_ options: String) throws {
      network = try PairNetwork()
      for end in [network.host, network.client] { try end.ip(["address flush dev eth0 scope link"]) }
      try network.host.add(["10.1.0.2/16", "10.1.0.3/16"], to: "eth0")
      relay = try .relay(in: network.host, "\(options) --ipv4-only")
    }

    /// Asks each endpoint from a socket of its own, and checks every answer and every counter.
    func askAllAtOnce(_ endpoints: [Endpoint], _ ledger: inout Ledger) throws {
      let request = ServiceProgram.Request().bytes("hello")
      let clients = try endpoints.map { try UDPClient(in: network.client, to: $0) }
      try relay.process.freeze()
      for client in clients { try client.send(request) }
      try eventually("a datagram at each listener") {
        let ports = Set(endpoints.map(\.port))
        return try ports.allSatisfy { port in
          let addresses = Set(endpoints.filter { $0.port == port }.map(\.address))
          return try KernelView(relay).addressesWithDatagrams(at: port).isSuperset(of: addresses)
        }
      }
      relay.process.thaw()
      for (client, asked) in zip(clients, endpoints) {
        #expect(try client.receive()?.bytes == request)
        ledger.echoed(at: asked, [request])
      }
      ledger.began(clients.count)
      try relay.settle(on: ledger)
    }
  }
}
