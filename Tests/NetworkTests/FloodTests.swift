import Linux
import Support
import Testing

/// Clients that do not exist, by the hundred thousand, and a few that do.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct FloodTests {
  /// What a flood left behind, and what it did to those who were there before it.
  private struct Outcome {
    var ledger: Ledger
    var growth: Int
    /// Datagrams of the flood, and of the established clients.
    var flood, asked: Int
  }

  /// A step of the flood fits into what is left of the table beside those that are established: whoever is not answered
  /// yet may be pushed out.
  private static let (established, step) = (200, 200)

  /// Not every host allows 10,000 sockets.
  private func maxSessions(_ way: Way) -> Int { way == .multiplexed ? 10_000 : 1_000 }

  /// A socket for each of them costs more than a source address.
  private func clients(_ way: Way) -> Int { Load.count(way == .multiplexed ? 1_000_000 : 100_000) }

  /// A flood of clients that send one datagram each, while established ones go on to ask. All of them stand in one queue,
  /// so an answer to the last one shows that the flood before it has been taken.
  private func flood(_ scene: BackendScene, replies: UInt8) throws -> Outcome {
    let (clients, room) = (clients(scene.way), maxSessions(scene.way) - Self.established)
    try scene.startService()
    let crowd = try scene.crowd()
    let friends = Crowd.Order { $0.clients = Self.established }
    try crowd.send(friends)
    try crowd.receive(own: Self.established)
    let before = try scene.relay.process.residentBytes()

    var (asked, first) = (Self.established, Self.established)
    var answered = 0
    while first < clients + Self.established {
      try crowd.send(Crowd.Order { ($0.first, $0.clients, $0.request.replies) = (first, Self.step, replies) })
      first += Self.step
      // Five of them in turn; every one is answered, and nobody else beyond those that found room.
      try crowd.send(Crowd.Order { ($0.first, $0.clients) = (asked % Self.established, 5) })
      asked += 5
      if replies > 0 { answered = min(answered + Self.step, room) }
      try crowd.receive(own: asked + answered)
    }
    #expect(crowd.foreign == 0)
    let after = try scene.relay.process.residentBytes()
    let ledger = try eventually("everything is counted") {
      let ledger = try scene.relay.ledger()
      return ledger.listeners[scene.asked]?.toClient.datagrams == asked + answered ? ledger : nil
    }
    print(
      "FIGURE flood of \(clients), \(scene.way), \(replies) replies: resident memory grew by KiB:",
      (after - before) >> 10)
    return Outcome(ledger: ledger, growth: after - before, flood: clients, asked: asked)
  }

  /// A million of them, and nobody answers: they push out each other, and never a session that works.
  @Test(arguments: Way.local)
  func unansweredClientsMakeRoomForEachOther(way: Way) throws {
    let (clients, maxSessions) = (clients(way), maxSessions(way))
    let scene = try BackendScene(way, "--max-sessions \(maxSessions) --unreplied-timeout 10m")
    let outcome = try flood(scene, replies: 0)
    let ledger = outcome.ledger
    #expect(ledger.sessions == maxSessions)
    #expect(ledger.sessionsCreated == clients + Self.established)
    #expect(ledger.sessionsEnded == ["evicted": clients + Self.established - maxSessions])
    #expect(ledger.listeners[scene.asked]?.toBackend.datagrams == clients + outcome.asked)
    #expect(ledger.listeners[scene.asked]?.receiveQueueDrops == 0)
    #expect(ledger.dropped == [:])
    // The table, and 8 bytes for each source address that rests; there are at most four million of those.
    #expect(outcome.growth < 12 << 20 || !Load.isFull)
  }

  /// A million of them, all answered, until the table is full of sessions that work: then they are refused.
  @Test(arguments: Way.local)
  func answeredClientsAreRefusedWhenTheTableIsFull(way: Way) throws {
    let maxSessions = maxSessions(way)
    let scene = try BackendScene(way, "--max-sessions \(maxSessions) --idle-timeout 10m")
    let outcome = try flood(scene, replies: 1)
    let ledger = outcome.ledger
    #expect(ledger.sessions == maxSessions)
    #expect(ledger.sessionsCreated == maxSessions)
    #expect(ledger.sessionsEnded == [:])
    let room = maxSessions - Self.established
    #expect(ledger.dropped == ["table_full": outcome.flood - room])
    #expect(ledger.listeners[scene.asked]?.toBackend.datagrams == room + outcome.asked)
    #expect(ledger.listeners[scene.asked]?.receiveQueueDrops == 0)
    #expect(outcome.growth < 12 << 20 || !Load.isFull)
    let lines = scene.relay.process.lines(of: .error).filter { $0.contains("--max-sessions") }
    #expect((1...20).contains(lines.count), "\(lines)")
  }
}
