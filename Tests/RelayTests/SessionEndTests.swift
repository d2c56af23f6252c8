import Linux
import Relay
import Testing

@Suite struct SessionEndTests {
  @Test func anUnrepliedSessionEndsAfterThirtySecondsToTheNanosecond() throws {
    let relay = try TestRelay()
    relay.ask(0)
    #expect(relay.core.nextExpiry == relay.now + .seconds(30))
    relay.wait(Nanoseconds(29_999_999_999))
    #expect(relay.core.expire(now: relay.now, limit: 9) == 0)
    relay.wait(Nanoseconds(1))
    #expect(relay.core.expire(now: relay.now, limit: 9) == 1)
    #expect(relay.counters.ended(.unreplied) == 1)
    #expect(relay.core.nextExpiry == nil)
  }

  @Test func aRepliedSessionEndsAfterSixtySecondsWithoutTrafficInEitherDirection() throws {
    let relay = try TestRelay()
    relay.ask(0)
    for _ in 0..<5 {
      relay.wait(.seconds(29))
      relay.reply(to: 0)
      relay.wait(.seconds(59))
      relay.ask(0)
      #expect(relay.core.expire(now: relay.now, limit: 9) == 0)
    }
    #expect(relay.core.nextExpiry == relay.now + .seconds(60))
    relay.wait(.seconds(60))
    #expect(relay.core.expire(now: relay.now, limit: 9) == 1)
    #expect(relay.counters.ended(.idle) == 1)
  }

  @Test func theOldestSessionsEndFirstAndNoMoreThanAsked() throws {
    let relay = try TestRelay()
    for number in 0..<5 {
      relay.ask(number)
      relay.wait(.seconds(1))
    }
    relay.ask(0)
    relay.wait(.seconds(30))
    #expect(relay.core.expire(now: relay.now, limit: 2) == 2)
    #expect(relay.reply(to: 1, 2).isEmpty)
    #expect(relay.reply(to: 3).count == 1)
    #expect(relay.core.expire(now: relay.now, limit: 9) == 2)
    #expect(relay.reply(to: 3).count == 1)
    #expect(relay.core.sessionCount == 1)
  }

  @Test func aSessionEndsWithItsLastReply() throws {
    let relay = try TestRelay(responses: 2)
    relay.ask(0)
    #expect(relay.reply(to: 0).count == 1)
    // The second is the last; what follows it, even in the same batch, is late.
    #expect(relay.reply(to: 0, 0).map(\.datagrams) == [1])
    #expect(relay.counters.ended(.responses) == 1)
    #expect(relay.counters.dropped(.lateReply) == 1)
    #expect(relay.ask(0)[0].source == 1)
  }

  @Test func aTrainOfRepliesPassesWholeAndCountsAsManyAsItHolds() throws {
    let relay = try TestRelay(responses: 2)
    relay.ask(0)
    #expect(relay.reply(to: 0, length: 500, segmentSize: 100).map(\.datagrams) == [5])
    #expect(relay.core.sessionCount == 0)
  }

  @Test func aSweepEndsTheSessionsOfListenersThatAreGoneAndNoOthers() throws {
    let relay = try TestRelay()
    for number in 0..<8 { relay.ask(number, on: UInt32(number % 2)) }
    var place: Int? = 0
    var rounds = 0
    while let next = place {
      place = relay.core.sweep(from: next, limit: 3, now: relay.now) { $0 == ListenerIndex(1) ? .addressRemoved : nil }
      rounds += 1
    }
    #expect(rounds == 3)
    #expect(relay.counters.ended(.addressRemoved) == 4)
    #expect(relay.reply(to: 0, 1, 2, 3, 4, 5, 6, 7).map(\.source) == [0, 2, 4, 6])
  }

  // MARK: Connected upstream

  @Test func theSocketsOfEndedSessionsAreNamedOnceInOrder() throws {
    let relay = try TestRelay(sources: nil, maxSessions: 3)
    for number in 0..<3 {
      let train = relay.ask(number)[0]
      #expect(relay.core.upstream(of: train) == nil)
      relay.core.setUpstream(UInt32(70 + number), of: train)
      #expect(relay.core.upstream(of: relay.ask(number)[0]) == UInt32(70 + number))
    }
    relay.ask(3)
    #expect(Array(relay.core.endedUpstreams) == [70])
    relay.wait(.seconds(30))
    // The fourth never had a socket.
    #expect(relay.core.expire(now: relay.now, limit: 9) == 3)
    #expect(Array(relay.core.endedUpstreams) == [70, 71, 72])
    relay.core.removeEndedUpstreams()
    #expect(relay.core.endedUpstreams.isEmpty)
  }

  @Test func trainsOfASessionThatMadeRoomAreLostForWantOfRoom() throws {
    let relay = try TestRelay(sources: nil, maxSessions: 1)
    let trains = relay.ask(0, 1)
    #expect(trains.map { relay.core.loss(of: $0) } == [.tableFull, nil])
  }

  @Test func allTrainsOfASessionWithoutASocketAreLostForThatReason() throws {
    let relay = try TestRelay(sources: nil)
    let trains = relay.ask([10, 20].map { ReceivedMessage(peer: client(0), length: $0) })
    #expect(trains.map { relay.core.loss(of: $0) } == [nil, nil])
    relay.core.fail(trains[0], now: relay.now)
    #expect(relay.core.loss(of: trains[1]) == .upstreamUnavailable)
    #expect(relay.counters.ended(.upstreamUnavailable) == 1)
    #expect(relay.core.endedUpstreams.isEmpty)
  }
}
