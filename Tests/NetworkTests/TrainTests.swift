import Linux
import Support
import Testing

/// Trains (UDP_SEGMENT, UDP_GRO) arrive as the same datagrams in the same order, whoever can do them and whoever cannot.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct TrainTests {
  /// One end of an exchange: whether it sends trains, and whether it takes them.
  struct Skill: Sendable, CustomTestStringConvertible {
    let sends: Bool
    let takes: Bool

    var testDescription: String { "sends \(sends ? "trains" : "singly"), takes \(takes ? "trains" : "singly")" }
  }

  /// A burst of datagrams that are on their way at the same time.
  private struct Burst {
    let datagrams: [[UInt8]]
    /// The size of the datagrams when the burst can be one train; 0 when it cannot.
    var segmentSize = 0

    /// So many of one size, and a shorter one behind them.
    static func train(_ count: Int, of size: Int, tail: Int? = nil, seed: Int) -> Burst {
      let sizes = Array(repeating: size, count: count) + (tail.map { [$0] } ?? [])
      return Burst(datagrams: sizes.enumerated().map { pattern($1, seed: seed + $0) }, segmentSize: size)
    }

    static func mixed(_ sizes: [Int], seed: Int) -> Burst {
      Burst(datagrams: sizes.enumerated().map { pattern($1, seed: seed + $0) })
    }
  }

  /// Full trains, odd tails, sizes that rise and fall, empty datagrams in between: never more than a small receive queue
  /// can hold.
  private static let bursts: [Burst] = [
    .train(40, of: 1200, tail: 700, seed: 1),
    .mixed([1200, 1200, 1200, 300, 1200, 0, 0, 5, 1200, 1400, 1400, 1, 1400, 1452], seed: 100),
    .train(2, of: 900, seed: 200),
    .train(64, of: 100, seed: 300),
    .train(30, of: 1452, tail: 1, seed: 400),
    .mixed([0, 0, 1, 2, 3, 2, 1, 0], seed: 500),
    .train(44, of: 1448, tail: 1447, seed: 600),
    .mixed([700, 700, 701, 700, 699, 700, 700], seed: 700),
  ]

  private func send(_ burst: Burst, from socket: UDPClient, to peer: Endpoint?, asTrain: Bool) throws {
    if asTrain, burst.segmentSize > 0 {
      try socket.send(Array(burst.datagrams.joined()), to: peer, segmentSize: burst.segmentSize)
    } else {
      for datagram in burst.datagrams { try socket.send(datagram, to: peer) }
    }
  }

  /// Takes so many datagrams, and tells who sent the last of them.
  private func take(_ count: Int, at socket: UDPClient) throws -> (datagrams: [[UInt8]], from: Endpoint?) {
    var datagrams: [[UInt8]] = []
    var from: Endpoint?
    while datagrams.count < count, let message = try socket.receive() {
      datagrams += message.datagrams
      from = message.from
    }
    return (datagrams, from)
  }

  private static let skills = [
    Skill(sends: true, takes: false), Skill(sends: false, takes: true), Skill(sends: true, takes: true),
    Skill(sends: false, takes: false),
  ]

  @Test(
    arguments: [
      ("10.1.0.1", "127.0.0.1:5678", ""), ("10.1.0.1", "127.0.0.1:5678", "--upstream connected"),
      ("fd01::1", "[::1]:5678", ""), ("fd01::1", "127.0.0.1:5678", ""),
    ], skills)
  func theSameDatagramsArriveInTheSameOrder(_ path: (asked: String, backend: String, options: String), _ skill: Skill)
    throws
  {
    let network = try PairNetwork()
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 5678 --backend \(path.backend) \(path.options)")
    // The client is the other way round, so that trains are cut up, or put together, on both ways.
    let service = try UDPClient(in: network.host, from: .of(path.backend), receivesTrains: skill.takes)
    let asked = Endpoint(try .of(path.asked), 5678)
    let client = try UDPClient(in: network.client, to: asked, receivesTrains: skill.takes)
    var ledger = Ledger()
    ledger.began(1)
    for (number, burst) in Self.bursts.enumerated() {
      try send(burst, from: client, to: nil, asTrain: skill.sends)
      let requests = try take(burst.datagrams.count, at: service)
      #expect(requests.datagrams == burst.datagrams, "burst \(number) to the service")
      let session: Endpoint = try #require(requests.from)
      try send(burst, from: service, to: session, asTrain: skill.sends)
      let replies = try take(burst.datagrams.count, at: client)
      #expect(replies.datagrams == burst.datagrams, "burst \(number) to the client")
      #expect(replies.from == asked)
      ledger.echoed(at: asked, burst.datagrams)
    }
    try relay.settle(on: ledger)
  }

  /// What fits into one train on loopback does not fit the client's wire: the kernel refuses the train (EMSGSIZE).
  @Test(arguments: [
    ("10.1.0.1", "127.0.0.1:5678", ""), ("10.1.0.1", "127.0.0.1:5678", "--upstream connected"),
    ("fd01::1", "[::1]:5678", ""),
  ])
  func aTrainThatIsTooLongForTheWireIsSentOneByOne(asked text: String, backend: String, options: String) throws {
    let network = try PairNetwork()
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend \(backend) \(options)")
    let service = try UDPClient(in: network.host, from: .of(backend))
    let asked = Endpoint(try .of(text), 5678)
    let client = try UDPClient(in: network.client, to: asked)
    try client.send("much, please")
    let session = try #require(try service.receive()).from
    var ledger = Ledger()
    ledger.began(1)
    ledger.passed(to: asked, [[UInt8]("much, please".utf8)])
    // Long trains, twice, since a refused size is remembered; then short ones again, which still go as trains.
    for burst: Burst in [
      .train(6, of: 9000, tail: 4321, seed: 1), .train(5, of: 9000, seed: 100),
      .train(20, of: 1200, tail: 1, seed: 200),
      .train(3, of: 1453, tail: 1452, seed: 300),
    ] {
      try send(burst, from: service, to: session, asTrain: true)
      #expect(try take(burst.datagrams.count, at: client).datagrams == burst.datagrams)
      ledger.passed(from: asked, burst.datagrams)
    }
    try relay.settle(on: ledger)
  }

  /// A service that takes trains whole shows whether one left as a train.
  @Test func singleDatagramsOfOneSizeLeaveAsOneTrain() throws {
    let network = try PairNetwork()
    let service = try UDPClient(in: network.host, from: .of("127.0.0.1:5678"), receivesTrains: true)
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend 127.0.0.1:5678")
    let asked = try Endpoint.of("10.1.0.1:5678")
    let client = try UDPClient(in: network.client, to: asked)
    // While it is stopped its queue fills, so that all of them make one batch.
    try relay.process.freeze()
    let datagrams = (0..<20).map { pattern(1000, seed: $0) } + [pattern(10)]
    for datagram in datagrams { try client.send(datagram) }
    relay.process.thaw()
    let train = try #require(try service.receive())
    #expect(train.segmentSize == 1000)
    #expect(train.datagrams == datagrams)
    var ledger = Ledger()
    ledger.began(1)
    ledger.passed(to: asked, datagrams)
    try relay.settle(on: ledger)
  }

  @Test func datagramsOfDifferentClientsNeverShareATrain() throws {
    let network = try PairNetwork()
    let service = try UDPClient(in: network.host, from: .of("127.0.0.1:5678"), receivesTrains: true)
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend 127.0.0.1:5678")
    let asked = try Endpoint.of("10.1.0.1:5678")
    let clients = try (0..<3).map { _ in try UDPClient(in: network.client, to: asked) }
    try relay.process.freeze()
    var ledger = Ledger()
    ledger.began(3)
    for round in 0..<10 {
      for (number, client) in clients.enumerated() {
        let datagram = [UInt8](repeating: UInt8(number), count: 500) + [UInt8(round)]
        try client.send(datagram)
        ledger.passed(to: asked, [datagram])
      }
    }
    relay.process.thaw()
    var trains: [Endpoint: [[UInt8]]] = [:]
    for _ in clients {
      let train = try #require(try service.receive())
      #expect(trains[train.from] == nil)
      trains[train.from] = train.datagrams
    }
    for datagrams in trains.values {
      #expect(Set(datagrams.map { $0[0] }).count == 1)
      #expect(datagrams.map { $0[500] } == Array(0..<10))
    }
    try relay.settle(on: ledger)
  }
}
