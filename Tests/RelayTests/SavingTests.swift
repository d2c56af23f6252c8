import Linux
import Relay
import Testing

/// What one core writes down, another goes on with.
@Suite struct SavingTests {
  /// Has a new relay go on with what another has written.
  ///
  /// - Parameter listeners: where the listeners of the old one are in the new one; those that are not here are gone.
  private func heir(
    of relay: TestRelay, sources: Int? = 64, listeners: [UInt32: UInt32] = [0: 0, 1: 1],
    sockets: [UInt32: UInt32] = [:],
    cut: Int? = nil
  ) throws -> (relay: TestRelay, restored: Restored) {
    let file = try NamelessFile()
    var writer = ValueWriter(file)
    relay.core.save(to: &writer, now: relay.now) {
      listeners[$0.number] == nil ? nil : $0.number
    } upstream: {
      ($0 + 100, 7)
    }
    try writer.finish()
    if let cut { try file.cut(to: cut) }
    let heir = try TestRelay(sources: sources)
    heir.now = relay.now
    var reader = ValueReader(file)
    let restored = try heir.core.restore(from: &reader, now: heir.now) {
      listeners[$0].map { ListenerIndex($0) }
    } upstream: { _, saved in
      saved.queueDrops == 7 ? sockets[saved.place] : nil
    }
    return (heir, restored)
  }

  @Test func aReplyToASourceAddressStillReachesWhoeverAskedFromThere() throws {
    let old = try TestRelay()
    old.ask(1, 2, 3)
    old.reply(to: 1)
    let (relay, restored) = try heir(of: old)
    #expect(restored.sessions == 3 && restored.lost == 0)
    #expect(relay.reply(to: 0, 1, 2).map(\.client) == [client(1), client(2), client(3)])
    #expect(relay.counters.sessions == 3 && relay.counters.sessionsCreated == 0)
    // They are the same sessions: nobody gets another address.
    #expect(relay.ask(1, 2, 3).map(\.source) == [0, 1, 2])
    #expect(relay.core.sessionCount == 3)
  }

  @Test func sessionsExpireInTheSameOrderAtTheSameTime() throws {
    let old = try TestRelay()
    for number in 1...4 {
      old.ask(number)
      old.wait(.seconds(1))
    }
    old.reply(to: 2)
    let (relay, _) = try heir(of: old)
    #expect(relay.core.nextExpiry == old.core.nextExpiry)
    for _ in 1...70 {
      for each in [old, relay] {
        each.wait(.seconds(1))
        each.core.expire(now: each.now, limit: 10)
      }
      #expect(relay.core.sessionCount == old.core.sessionCount)
    }
    #expect(relay.core.sessionCount == 0)
  }

  @Test func whatRestsGoesOnResting() throws {
    let old = try TestRelay(sources: 4)
    old.ask(1, 2, 3)
    old.wait(.seconds(40))
    old.core.expire(now: old.now, limit: 10)
    old.ask(4)
    let (relay, restored) = try heir(of: old, sources: 4)
    #expect(restored.sessions == 1)
    #expect(relay.ask(5).isEmpty)
    #expect(relay.counters.dropped(.sourcesExhausted) == 1)
    relay.wait(.seconds(121))
    #expect(relay.ask(5).map(\.source) == [0])
    #expect(relay.reply(to: 1, 2).isEmpty)
  }

  @Test func sessionsOfAListenerThatIsGoneEndAndTheirAddressesRest() throws {
    let old = try TestRelay(sources: 2)
    old.ask(1, on: 0)
    old.ask(1, on: 1)
    let (relay, restored) = try heir(of: old, sources: 2, listeners: [1: 0])
    #expect(restored.sessions == 1)
    #expect(relay.reply(to: 0).isEmpty)
    #expect(relay.reply(to: 1).map(\.client) == [client(1)])
    #expect(relay.ask(2).isEmpty)
  }

  @Test func aSessionWithASocketOfItsOwnKeepsIt() throws {
    let old = try TestRelay(sources: nil)
    for train in old.ask(1, 2) { old.core.setUpstream(UInt32(train.session.number), of: train) }
    let (relay, restored) = try heir(of: old, sources: nil, sockets: [101: 5])
    // The other one's socket was not handed over.
    #expect(restored.sessions == 1 && restored.lost == 1)
    #expect(relay.ask(2).map { relay.core.upstream(of: $0) } == [5])
  }

  @Test func whoWasAwaitedStillIs() throws {
    let old = try TestRelay()
    old.ask(1, 2)
    old.reply(to: 0)
    let (relay, _) = try heir(of: old)
    #expect(relay.counters.sessionsAwaitingReply == 1)
    relay.reply(to: 1)
    #expect(relay.counters.sessionsAwaitingReply == 0)
  }

  /// A session takes 96 bytes.
  @Test(arguments: [0, 3, 12, 50, 150])
  func aFileThatEndsTooEarlyIsAnError(length: Int) throws {
    let old = try TestRelay()
    old.ask(1, 2)
    #expect(throws: Errno(61)) { _ = try heir(of: old, cut: length) }
  }

  @Test func valuesAndTextsComeBackInOrderHoweverManyThereAre() throws {
    let file = try NamelessFile()
    var writer = ValueWriter(file)
    for number in 0..<UInt32(50_000) {
      writer.put(number)
      if number.isMultiple(of: 1_000) { writer.put("number \(number)") }
    }
    try writer.finish()
    var reader = ValueReader(file)
    for number in 0..<UInt32(50_000) {
      #expect(try reader.take() == number)
      if number.isMultiple(of: 1_000) { #expect(try reader.takeText() == "number \(number)") }
    }
    do {
      _ = try reader.take(UInt8.self)
      Issue.record("there is more than was written")
    } catch { #expect(error.name == "ENODATA") }
  }
}
