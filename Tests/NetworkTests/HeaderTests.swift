import Linux
import Support
import Testing

/// What is passed on of a datagram's IP header: the traffic class as it is, the hop limit less one.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct HeaderTests {
  /// Who asks, and how the service is reached.
  struct Path: Sendable, CustomTestStringConvertible {
    let asked: String
    let backend: String
    let options: String
    /// The hop limit that the upstream's socket gives by itself, and the most that it hands on.
    let largestHopLimit: UInt8

    init(_ asked: String, _ backend: String, _ options: String = "", largestHopLimit: UInt8) {
      self.asked = asked
      self.backend = backend
      self.options = options
      self.largestHopLimit = largestHopLimit
    }

    var testDescription: String { "\(asked) to \(backend) \(options)" }
  }

  private static let paths = [
    Path("10.1.0.1:5678", "127.0.0.1:5678", largestHopLimit: 32),
    Path("10.1.0.1:5678", "127.0.0.1:5678", "--upstream connected", largestHopLimit: 64),
    Path("[fd01::1]:5678", "[::1]:5678", largestHopLimit: 64),
    Path("[fd01::1]:5678", "127.0.0.1:5678", largestHopLimit: 32),
    Path("10.1.0.1:5678", "[::1]:5678", largestHopLimit: 64),
  ]

  @Test(arguments: paths)
  func trafficClassIsPassedOnBothWays(_ path: Path) throws {
    let network = try PairNetwork()
    let service = try UDPClient(in: network.host, from: .of(path.backend))
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 5678 --backend \(path.backend) \(path.options)")
    let client = try UDPClient(in: network.client, to: .of(path.asked))
    var ledger = Ledger()
    ledger.began(1)
    // Expedited forwarding with each of the marks of ECN (RFC 3246, RFC 3168), lowest and highest class, none.
    for trafficClass: UInt8 in [0xb8, 0xb9, 0xba, 0xbb, 0x01, 0x20, 0xff, 0] {
      try client.send([trafficClass], trafficClass: trafficClass)
      let request = try #require(try service.receive())
      #expect(request.trafficClass == trafficClass)
      let answer = trafficClass ^ 0x43
      try service.send([answer], to: request.from, trafficClass: answer)
      #expect(try client.receive()?.trafficClass == answer)
      ledger.echoed(at: try .of(path.asked), [[0]])
    }
    try relay.settle(on: ledger)
  }

  @Test(arguments: paths)
  func datagramsOfOneBatchKeepTheirOwnTrafficClass(_ path: Path) throws {
    let network = try PairNetwork()
    let service = try UDPClient(in: network.host, from: .of(path.backend))
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 5678 --backend \(path.backend) \(path.options)")
    let client = try UDPClient(in: network.client, to: .of(path.asked))
    let classes: [UInt8] = [0, 0, 0xb8, 0xb8, 0, 0x02, 0x03, 0x03]
    try relay.process.freeze()
    for trafficClass in classes { try client.send(pattern(100), trafficClass: trafficClass) }
    relay.process.thaw()
    for trafficClass in classes { #expect(try service.receive()?.trafficClass == trafficClass) }
    var ledger = Ledger()
    ledger.began(1)
    ledger.passed(to: try .of(path.asked), classes.map { _ in pattern(100) })
    try relay.settle(on: ledger)
  }

  @Test(arguments: paths)
  func theHopLimitIsHandedOnLessOneAndOneIsTheEnd(_ path: Path) throws {
    let network = try PairNetwork()
    let service = try UDPClient(in: network.host, from: .of(path.backend))
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 5678 --backend \(path.backend) \(path.options)")
    let client = try UDPClient(in: network.client, to: .of(path.asked))
    var ledger = Ledger()
    // The first of them all: it must not even begin a session.
    for _ in 1...3 { try client.send([0], hopLimit: 1) }
    ledger.dropped = ["hop_limit": 3]
    try relay.settle(on: ledger)
    let expected: [(sent: UInt8, arrives: UInt8)] = [
      (2, 1), (3, 2), (20, 19), (64, min(63, path.largestHopLimit)), (255, path.largestHopLimit),
    ]
    for (sent, arrives) in expected {
      try client.send([sent], hopLimit: sent)
      let request = try #require(try service.receive())
      #expect(request.bytes == [sent])
      #expect(request.hopLimit == arrives)
      ledger.passed(to: try .of(path.asked), [[sent]])
    }
    ledger.began(1)
    try relay.settle(on: ledger)
  }

  /// Two relays, each of which is the other's backend.
  struct Loop: Sendable, CustomTestStringConvertible {
    let first: String
    let second: String
    let options: String
    /// How often each of them hands a datagram on; the first drops it.
    let handedOn: Int

    var testDescription: String { "\(first), \(second) \(options)" }
  }

  @Test(arguments: [
    // The multiplexing upstream sends with 32, the connected one with 64; from there it goes down to 1.
    Loop(first: "127.0.0.1:7001", second: "127.0.0.1:7002", options: "", handedOn: 16),
    Loop(first: "127.0.0.1:7001", second: "127.0.0.1:7002", options: "--upstream connected", handedOn: 32),
    Loop(first: "10.1.0.1:7001", second: "10.1.0.1:7002", options: "", handedOn: 32),
    Loop(first: "[fd01::1]:7001", second: "[fd01::1]:7002", options: "", handedOn: 32),
  ])
  func aLoopOfTwoRelaysDies(_ loop: Loop) throws {
    let network = try PairNetwork()
    // A host may send with more than the usual hop limit; that must not keep a loop alive.
    try network.host.set("net/ipv4/ip_default_ttl", to: "255")
    try network.host.set("net/ipv6/conf/all/hop_limit", to: "255")
    try network.host.set("net/ipv6/conf/lo/hop_limit", to: "255")
    let relays = try [(loop.first, loop.second), (loop.second, loop.first)].map { listen, backend in
      try MultihomedProcess.relay(in: network.host, "--listen \(listen) --backend \(backend) \(loop.options)")
    }
    let client = try UDPClient(in: network.host, to: .of(loop.first))
    try client.send([UInt8]("round and round".utf8), hopLimit: 255)
    var expected = [Ledger(), Ledger()]
    for (number, listener) in [loop.first, loop.second].enumerated() {
      let datagrams = Array(repeating: [UInt8]("round and round".utf8), count: loop.handedOn)
      expected[number].passed(to: try .of(listener), datagrams)
      // Each time it comes back it looks like another client.
      expected[number].began(loop.handedOn)
    }
    expected[0].dropped = ["hop_limit": 1]
    for (relay, ledger) in zip(relays, expected) { try relay.settle(on: ledger) }
    #expect(try client.receive(within: .milliseconds(50)) == nil)
  }
}
