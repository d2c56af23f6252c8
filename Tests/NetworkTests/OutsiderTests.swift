import Linux
import Support
import Testing

/// The multiplexing upstream hears the backend and nobody else, wherever else the kernel would deliver from.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct OutsiderTests {
  /// A client whose session is to be broken into.
  private struct Victim {
    let scene: BackendScene
    let client: UDPClient
    /// Where its replies arrive on the host, and how the service sees it.
    let door: Endpoint
    var ledger = Ledger()

    init() throws {
      scene = try BackendScene(.multiplexed)
      client = try scene.client()
      let service = try TestService(on: scene.backend, in: scene.network.host)
      let request: [UInt8] = [1, 2, 3, 4]
      #expect(try client.ask(request)?.bytes == request)
      door = try #require(service.tally.last?.from)
      #expect(try door.port == scene.upstreamPort() && door.address == .of("127.64.0.0"))
      ledger.began(1)
      ledger.echoed(at: scene.asked, [request])
    }

    /// Nothing has come of it; though the kernel counts what the filter refused, and tells with the next reply.
    mutating func expectPeace(refused: Int) throws {
      #expect(try client.receive(within: .milliseconds(50)) == nil)
      let service = try TestService(on: scene.backend, in: scene.network.host)
      #expect(try client.ask([5])?.bytes == [5])
      ledger.echoed(at: scene.asked, [[5]])
      ledger.upstreamQueueDrops += refused
      try scene.relay.settle(on: ledger)
      #expect(service.tally.received == 1)
    }
  }

  @Test func strangersOnThisHostAreNotHeard() throws {
    var victim = try Victim()
    let host = victim.scene.network.host
    for source in ["127.0.0.1:0", "127.0.0.2:7000", "127.0.0.1:7001", "10.1.0.1:7000"] {
      try UDPClient(in: host, from: .of(source)).send("trust me", to: victim.door)
    }
    try victim.expectPeace(refused: 4)
  }

  @Test func otherHostsAreNotHeard() throws {
    var victim = try Victim()
    let client = victim.scene.network.client
    let stranger = try UDPClient(in: client, from: .of("10.1.255.1:7000"))
    try stranger.send("trust me", to: .of("10.1.0.1:\(victim.door.port)"))
    try victim.expectPeace(refused: 1)
  }

  /// The worst that a neighbour can do: a host that takes 127.0.0.0/8 from the wire and checks no source.
  @Test func aNeighbourCannotForgeTheBackendEvenWithRouteLocalnet() throws {
    var victim = try Victim()
    let (host, client) = (victim.scene.network.host, victim.scene.network.client)
    for setting in ["rp_filter=0", "route_localnet=1", "accept_local=1"] {
      let parts = setting.split(separator: "=").map(String.init)
      for device in ["all", "eth0"] { try host.set("net/ipv4/conf/\(device)/\(parts[0])", to: parts[1]) }
    }
    // The neighbour's own kernel must let it out, over the wire and with the host's hardware address.
    for device in ["all", "eth0"] { try client.set("net/ipv4/conf/\(device)/route_localnet", to: "1") }
    try client.ip([
      "route del local 127.0.0.0/8 table local", "route add 127.64.0.0/10 via 10.1.0.1 dev eth0 src 10.1.255.1",
    ])
    // A socket without a filter hears it: what keeps the relay safe is not the kernel.
    let careless = try UDPClient(in: host, from: .of("0.0.0.0:9000"))
    let backend = victim.scene.backend
    try client.forge([9], from: backend, to: .of("127.64.0.0:9000"))
    #expect(try careless.receive()?.from == backend)
    try client.forge([9], from: backend, to: victim.door)
    try victim.expectPeace(refused: 1)
  }

  @Test func routeLocalnetIsWarnedAbout() throws {
    let network = try PairNetwork()
    try network.host.set("net/ipv4/conf/eth0/route_localnet", to: "1")
    for (upstream, isWarned) in [("multiplexed", true), ("connected", false)] {
      let relay = try MultihomedProcess.relay(
        in: network.host, "--listen 5678 --backend 127.0.0.1:7000 --upstream \(upstream)")
      // The whole of what it wrote.
      try relay.stop()
      let warnings = relay.process.lines(of: .error).filter { $0.contains("route_localnet") }
      #expect(warnings.count == (isWarned ? 1 : 0))
    }
  }
}

extension BackendScene {
  /// The port of the multiplexing upstream's socket: the only one of the relay's on the wildcard address.
  func upstreamPort() throws -> UInt16 {
    let table = try ManagedProcess.run("cat", ["/proc/\(relay.process.processID)/net/udp"])
    let ports = table.split(separator: "\n").compactMap { line -> UInt16? in
      let local = line.split(separator: " ").dropFirst().first?.split(separator: ":")
      guard let local, local.count == 2, local[0] == "00000000" else { return nil }
      return UInt16(local[1], radix: 16)
    }
    guard ports.count == 1 else { throw TestFailure("not exactly one socket on the wildcard address:\n\(table)") }
    return ports[0]
  }
}
