import Linux
import Support
import Testing

/// Once it is warm, no datagram makes the program ask for memory: counted in the program itself, on all its threads.
///
/// Only where it was optimised: what is built for debugging allocates where it likes.
@Suite(
  .enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"),
  .enabled(if: Load.isFull, "only release builds promise it"), .serialized)
struct AllocationTests {
  private static let datagrams = 100_000

  /// A relay that counts, and clients whose sessions are there already.
  private struct Warm {
    let count: AllocationCount
    let scene: BackendScene

    init(_ way: Way) throws {
      count = try AllocationCount()
      scene = try BackendScene(way, environment: count.environment())
    }

    /// The program asks for no memory while something happens.
    func expectNoAllocation(during body: () throws -> Void) throws {
      let before = try count.value()
      #expect(before > 100, "nothing is counted: is the program linked statically?")
      try count.trace()
      let mark = scene.relay.process.mark
      try body()
      let allocations = try count.value() - before
      #expect(allocations == 0, "\(scene.relay.process.lines(of: .error, since: mark).prefix(60))")
    }

    /// So many datagrams went to clients, no more. A reply may arrive before it is counted.
    func expectReplies(_ datagrams: Int) throws {
      func counted() throws -> Int? { try scene.relay.ledger().listeners[scene.asked]?.toClient.datagrams }
      try eventually("all replies to be counted") { try counted() ?? 0 >= datagrams }
      #expect(try counted() == datagrams)
    }
  }

  /// A hundred clients, 64 bytes, both directions.
  @Test(arguments: Way.allCases)
  func manyClientsAllocateNothing(way: Way) throws {
    let warm = try Warm(way)
    try warm.scene.startService()
    let crowd = try warm.scene.crowd()
    let order = Crowd.Order { ($0.clients, $0.size) = (100, 64) }
    // One kind of connected socket is like the other.
    let datagrams = Way.local.contains(way) ? Self.datagrams : Self.datagrams / 10
    func ask(_ rounds: Int) throws {
      for _ in 1...rounds {
        let answered = crowd.own
        try crowd.send(order)
        try crowd.receive(own: answered + order.clients)
      }
    }
    try ask(10)
    try warm.expectNoAllocation { try ask(datagrams / order.clients) }
    try warm.expectReplies(datagrams + 1000)
    #expect(try warm.scene.relay.ledger().sessionsCreated == 100)
  }

  /// Trains both ways, as QUIC stacks send them.
  @Test(arguments: Way.local)
  func trainsAllocateNothing(way: Way) throws {
    let warm = try Warm(way)
    let service = try TestService(on: warm.scene.backend, in: warm.scene.network.host, .echo { $0.trains = true })
    let client = try UDPClient(in: warm.scene.network.client, to: warm.scene.asked, receivesTrains: true)
    let train = pattern(40 * 1200)
    func ask(_ rounds: Int) throws {
      for _ in 1...rounds {
        try client.send(train, segmentSize: 1200)
        var bytes = 0
        while bytes < train.count, let reply = try client.receive() { bytes += reply.bytes.count }
        #expect(bytes == train.count)
      }
    }
    try ask(10)
    try warm.expectNoAllocation { try ask(Self.datagrams / 40) }
    #expect(service.tally.messages == Self.datagrams / 40 + 10)
    try warm.expectReplies(Self.datagrams + 400)
  }

  /// New clients by the hundred thousand: the table has room for them since the start.
  @Test func newClientsOfAMultiplexedUpstreamAllocateNothing() throws {
    let warm = try Warm(.multiplexed)
    try warm.scene.startService()
    let crowd = try warm.scene.crowd()
    func ask(_ first: Int, _ clients: Int) throws {
      for step in stride(from: first, to: first + clients, by: 100) {
        let answered = crowd.own
        try crowd.send(Crowd.Order { ($0.first, $0.clients) = (step, 100) })
        try crowd.receive(own: answered + 100)
      }
    }
    try ask(0, 1000)
    try warm.expectNoAllocation { try ask(1000, Self.datagrams) }
    #expect(try warm.scene.relay.ledger().sessions == Self.datagrams + 1000)
  }

  /// What cannot be sent is counted, and written down only at first.
  @Test(arguments: Way.local)
  func datagramsThatAreRefusedAllocateNothing(way: Way) throws {
    let warm = try Warm(way)
    try warm.scene.startService()
    let crowd = try warm.scene.crowd()
    let order = Crowd.Order { $0.clients = 100 }
    let client = try warm.scene.client()
    let last = ServiceProgram.Request().bytes("last")
    try crowd.send(order)
    try crowd.receive(own: 100)
    try warm.scene.network.host.ip(["route change prohibit 10.64.0.0/12"])
    func refuse(_ rounds: Int) throws {
      for _ in 1...rounds {
        try crowd.send(order)
        #expect(try client.ask(last)?.bytes == last)
      }
    }
    try refuse(10)
    try warm.expectNoAllocation { try refuse(100) }
    try eventually("all refusals to be counted") {
      try warm.scene.relay.ledger().refusedToClient == ["EACCES": 11_000]
    }
  }
}
