import Glibc
import Linux
import Support
import Testing

/// An adopted service dies, comes back, closes its socket: its port is free when it wants it, and it is adopted again.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct AdoptedLifeTests {
  /// How soon a client is answered again after the service is back.
  private static let limit = Nanoseconds.milliseconds(300)

  @Test func aServiceThatIsKilledTenTimesUnderLoadAlwaysGetsItsPort() throws {
    let network = try FoundingNetwork()
    // At once after the one before has been killed: a service that cannot bind ends, and is not ready.
    var service: ServiceProgram? = try ServiceProgram(on: .of("0.0.0.0:5678"), in: network.host)
    let host = try AdoptedHost(network, port: 5678)
    let load = try SteadyLoad(in: network)
    var delays: [Nanoseconds] = []
    for _ in 1...10 {
      service?.process.kill()
      service = try ServiceProgram(on: .of("0.0.0.0:5678"), in: network.host)
      let back = Instant.now
      let client = try UDPClient(in: network.container, to: Endpoint(AdoptedHost.far, 5678))
      try eventually("an answer") { try answers(client, ServiceProgram.Request().bytes("again?")) }
      delays.append(.now - back)
    }
    #expect(delays.sorted()[5] < Self.limit, "\(delays)")
    try load.stop()
    #expect(host.relay.process.lines().count { $0.contains("has left port 5678") } == 10)
    #expect(host.relay.process.exit == nil)
  }

  @Test(
    arguments: AdoptionTests.adoptable.filter { ["unbound so-reuseport", "nsd", "teeworlds-server"].contains($0.name) })
  func aRealServiceIsAdoptedAgainAfterEachRestart(service: RealService) throws {
    let network = try FoundingNetwork()
    let running = try service.start(in: network.host)
    let host = try AdoptedHost(network, port: running.port)
    for _ in 1...3 {
      let mark = host.relay.process.mark
      try running.restart()
      try host.relay.process.waitForLine(containing: "is on port \(running.port)", since: mark)
      #expect(try running.ask(AdoptedHost.far, from: network.container))
    }
    #expect(running.process.exit == nil)
  }

  @Test func aServiceThatClosesItsSocketAndGoesOnGetsItsPortAgain() throws {
    let network = try FoundingNetwork()
    let service = try HeldService(on: .of("0.0.0.0:5678"), in: network.host)
    let host = try AdoptedHost(network, port: 5678)
    for _ in 1...5 {
      let mark = host.relay.process.mark
      try service.close()
      try host.relay.process.waitForLine(containing: "has left port 5678", since: mark)
      // The line is written after the listeners are closed.
      try service.bind()
      try host.relay.process.waitForLine(containing: "is on port 5678", since: mark)
      try eventually("listeners again") { try network.host.socketAddresses(at: 5678).count == 3 }
    }
  }

  @Test func theSessionsOfAServiceThatIsGoneEnd() throws {
    let network = try FoundingNetwork()
    let service = try HeldService(on: .of("0.0.0.0:5678"), in: network.host)
    let host = try AdoptedHost(network, port: 5678)
    let client = try UDPClient(in: network.container, to: Endpoint(AdoptedHost.far, 5678))
    try client.send("hello")
    var ledger = Ledger()
    ledger.began(1)
    ledger.passed(to: Endpoint(AdoptedHost.far, 5678), [[UInt8]("hello".utf8)])
    try host.relay.settle(on: ledger)
    try service.close()
    ledger.ended("service_gone", 1)
    try host.relay.settle(on: ledger)
  }

  @Test func aSocketThatLivesOnInAnotherProcessIsNoEnd() throws {
    let network = try FoundingNetwork()
    let service = try HeldService(on: .of("0.0.0.0:5678"), in: network.host)
    let host = try AdoptedHost(network, port: 5678)
    let copy = Socket(owning: dup(try #require(service.socket).descriptor))
    service.forget()
    // Its end would be told before the address that comes now.
    try network.host.add(["192.168.106.99/24"], to: "eth0")
    try host.relay.process.waitForLine(containing: "192.168.106.99:5678")
    #expect(!host.relay.process.lines().contains { $0.contains("has left port") })
    _ = copy
  }

  @Test func aServiceWithASocketForEachFamilyGetsBothAgain() throws {
    let network = try FoundingNetwork()
    let four = try HeldService(on: .of("0.0.0.0:5678"), in: network.host)
    let six = try HeldService(on: .of("[::]:5678"), in: network.host) { try? $0.apply([.v6Only]) }
    let host = try AdoptedHost(network, port: 5678)
    for _ in 1...3 {
      let mark = host.relay.process.mark
      try six.close()
      try host.relay.process.waitForLine(containing: "has left port 5678", since: mark)
      try four.close()
      try four.bind()
      usleep(60_000)  // Longer than the port is left alone between two looks.
      try six.bind()
      try host.relay.process.waitForLine(containing: "is on port 5678", since: mark)
    }
  }

  @Test func anotherUsersServiceIsNotAdoptedInItsPlace() throws {
    try #require(OtherUsers.arePossible || geteuid() == 0)
    guard OtherUsers.arePossible else { return }
    let network = try FoundingNetwork()
    let service = try HeldService(on: .of("0.0.0.0:5678"), in: network.host)
    let host = try AdoptedHost(network, port: 5678)
    try service.close()
    try host.relay.process.waitForLine(containing: "has left port 5678")
    let other = try network.host.run { () throws(Errno) in
      let socket = try Rights.inName(of: OtherUsers.somebody) { () throws(Errno) in try Socket(udpFor: .anyIPv4) }
      try socket.bind(to: Endpoint(.anyIPv4, 5678))
      return socket
    }
    #expect(try host.relay.process.waitForExit() == .status(1))
    #expect(
      host.relay.process.lines(of: .error).last?.contains(
        "it belongs to user \(OtherUsers.somebody), not to user \(geteuid())") == true)
    _ = other
  }

  private func answers(_ client: UDPClient, _ request: [UInt8]) throws -> Bool {
    do throws(Errno) { return try client.ask(request, within: .milliseconds(10)) != nil } catch { return false }
  }
}

/// Clients who ask without end, whoever answers; bounded by their pace.
private final class SteadyLoad {
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
