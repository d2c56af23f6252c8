import Linux
import Support
import Testing

/// Datagrams of every size over a wire with an MTU of 1500 bytes: forwarded whole and unchanged, or dropped with a reason.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct DatagramSizeTests {
  /// Who asks and how the service is reached.
  struct Path: Sendable, CustomTestStringConvertible {
    let asked: String
    let backend: String
    let options: String
    /// The largest payload that passes both ways.
    let largest: Int

    init(_ asked: String, _ backend: String, _ options: String = "", largest: Int) {
      self.asked = asked
      self.backend = backend
      self.options = options
      self.largest = largest
    }

    var testDescription: String { "\(asked) to \(backend) \(options)" }
  }

  @Test(arguments: [
    Path("10.1.0.1", "127.0.0.1:5678", largest: 65_507),
    Path("10.1.0.1", "127.0.0.1:5678", "--upstream connected", largest: 65_507),
    Path("10.1.0.1", "[::1]:5678", largest: 65_507),
    Path("fd01::1", "127.0.0.1:5678", largest: 65_507),
    Path("fd01::1", "127.0.0.1:5678", "--upstream connected", largest: 65_507),
    Path("fd01::1", "[::1]:5678", largest: 65_527),
  ])
  func everySizePassesUnchangedBothWays(_ path: Path) throws {
    let network = try PairNetwork()
    let service = try TestService(on: .of(path.backend), in: network.host)
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 5678 --backend \(path.backend) \(path.options)")
    let asked = Endpoint(try .of(path.asked), 5678)
    let client = try UDPClient(in: network.client, to: asked)
    var ledger = Ledger()
    ledger.began(1)
    // 1472 and 1452 just fit the wire with an IPv4 and an IPv6 header, one more byte takes fragments.
    for size in [0, 1, 1452, 1453, 1472, 1473, 9000, 65_507, path.largest] {
      let request = pattern(size, seed: size)
      try client.send(request)
      let arrived = try service.waitForTally { $0.received == ledger.datagrams + 1 }.last
      #expect(arrived?.bytes == request, "\(size) bytes to the service")
      #expect(try client.receive()?.bytes == request, "\(size) bytes back")
      ledger.echoed(at: asked, [request])
    }
    try relay.settle(on: ledger)
  }

  @Test(arguments: [65_508, 65_527])
  func whatOnlyIPv6CanCarryIsDroppedTowardsAnIPv4Backend(size: Int) throws {
    for options in ["", "--upstream connected"] {
      let network = try PairNetwork()
      let service = try TestService(on: .of("127.0.0.1:5678"), in: network.host)
      let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend 127.0.0.1:5678 \(options)")
      let asked = try Endpoint.of("[fd01::1]:5678")
      let client = try UDPClient(in: network.client, to: asked)
      try client.send(pattern(size))
      // A datagram that is dropped begins no session.
      var ledger = Ledger()
      ledger.dropped = ["too_large": 1]
      try relay.settle(on: ledger)
      // What follows passes.
      #expect(try client.ask(pattern(100))?.bytes == pattern(100))
      ledger.began(1)
      ledger.echoed(at: asked, [pattern(100)])
      try relay.settle(on: ledger)
      #expect(service.tally.received == 1)
    }
  }

  @Test(arguments: [65_508, 65_527])
  func aReplyThatOnlyIPv6CanCarryIsDroppedTowardsAnIPv4Client(size: Int) throws {
    let network = try PairNetwork()
    let service = try UDPClient(in: network.host, from: .of("[::1]:5678"))
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend [::1]:5678")
    let asked = try Endpoint.of("10.1.0.1:5678")
    let client = try UDPClient(in: network.client, to: asked)
    try client.send("large, please")
    let session = try #require(try service.receive()).from
    try service.send(pattern(size), to: session)
    try service.send("sorry", to: session)
    #expect(try client.receive()?.bytes == [UInt8]("sorry".utf8))
    var ledger = Ledger()
    ledger.began(1)
    ledger.passed(to: asked, [[UInt8]("large, please".utf8)])
    ledger.passed(from: asked, [[UInt8]("sorry".utf8)])
    ledger.dropped = ["too_large": 1]
    try relay.settle(on: ledger)
  }

  @Test(arguments: ["10.1.0.1", "fd01::1"])
  func fragmentsAreForwardedAsTheDatagramThatTheyMake(address: String) throws {
    let network = try PairNetwork()
    let service = try TestService(on: .of("127.0.0.1:5678"), in: network.host)
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend 127.0.0.1:5678")
    let wire = try PacketCapture(interface: "eth0", in: network.host)
    let asked = Endpoint(try .of(address), 5678)
    let request = pattern(9000)
    #expect(try UDPClient(in: network.client, to: asked).ask(request)?.bytes == request)
    #expect(service.tally.messages == 1)
    var ledger = Ledger()
    ledger.began(1)
    ledger.echoed(at: asked, [request])
    try relay.settle(on: ledger)
    let fragments = try wire.drain().filter { if case .fragment = $0.packet.content { true } else { false } }
    // 9,008 bytes with the UDP header: a first fragment and six more, each way.
    #expect(fragments.filter { $0.direction == .incoming }.count == 6)
    #expect(fragments.filter { $0.direction == .outgoing }.count == 6)
  }
}

extension Ledger {
  /// Datagrams passed on to the backend by all listeners together.
  var datagrams: Int { listeners.values.reduce(0) { $0 + $1.toBackend.datagrams } }
}
