import Linux
import Relay
import Testing

@Suite struct RelayCoreTests {
  // MARK: Who gets a session

  @Test(arguments: [
    (Endpoint(IPAddress(v4: 0xc0a8_6a02), 0), DropReason.sourcePortZero),
    (Endpoint(IPAddress(v4: 0xf000_0000), 53), .invalidSource),
    (Endpoint(IPAddress(v4: 0xffff_ffff), 53), .invalidSource),
    (Endpoint(IPAddress(v4: 0xc000_02ff), 53), .invalidSource),
    (Endpoint(IPAddress(v4: TestRelay.firstSource), 40_000), .ownUpstream),
    (Endpoint(IPAddress(v4: TestRelay.firstSource + 63), 40_000), .ownUpstream),
  ])
  func whoCannotBeAnsweredGetsNoSession(client: Endpoint, reason: DropReason) throws {
    let relay = try TestRelay()
    #expect(relay.ask([ReceivedMessage(peer: client, length: 300, segmentSize: 100)]).isEmpty)
    #expect(relay.counters.dropped(reason) == 3)
    #expect(relay.core.sessionCount == 0)
  }

  @Test(arguments: [
    Endpoint(IPAddress(v4: 0xefff_ffff), 53), Endpoint(IPAddress(v4: TestRelay.firstSource), 40_001),
    Endpoint(IPAddress(v4: TestRelay.firstSource + 64), 40_000), Endpoint(IPAddress(v6: 0, 0xf000_0000), 53),
  ])
  func whoOnlyLooksAlikeGetsOne(client: Endpoint) throws {
    #expect(try TestRelay().ask([ReceivedMessage(peer: client, length: 1)]).count == 1)
  }

  @Test func oneClientOnTwoListenersHasTwoSessions() throws {
    let relay = try TestRelay()
    let first = relay.ask(0, on: 0)[0]
    let second = relay.ask(0, on: 1)[0]
    #expect(first.source != second.source)
    let trains = relay.reply(to: second.source, first.source)
    #expect(trains.map(\.listener) == [ListenerIndex(1), ListenerIndex(0)])
    #expect(trains.map(\.client) == [client(0), client(0)])
  }

  @Test func whileDrainingOnlyThoseWhoHaveASessionAreServed() throws {
    let relay = try TestRelay()
    relay.ask(0)
    relay.core.isDraining = true
    #expect(relay.ask(0, 1).map(\.client) == [client(0)])
    #expect(relay.counters.dropped(.draining) == 1)
    #expect(relay.reply(to: 0).count == 1)
  }

  // MARK: What passes

  @Test(arguments: [
    (ReceivedMessage(peer: client(0), length: 10, isTruncated: true), DropReason.truncated),
    (ReceivedMessage(peer: client(0), length: 10, hopLimit: 1), .hopLimit),
    (ReceivedMessage(peer: client(0), length: 65_508), .tooLarge),
  ])
  func whatMustNotPassIsDroppedBeforeThereIsASession(message: ReceivedMessage, reason: DropReason) throws {
    let relay = try TestRelay()
    #expect(relay.ask([message]).isEmpty)
    #expect(relay.counters.dropped(reason) == 1)
    #expect(relay.core.sessionCount == 0)
  }

  @Test func theLargestIPv6DatagramPassesOnlyTowardsIPv6() throws {
    let backend = IPAddress(v6: 0x2001_0db8 << 32, 7)
    let relay = try TestRelay(sources: nil, backend: backend)
    let six = Endpoint(IPAddress(v6: 0x2001_0db8 << 32, 2), 9)
    #expect(relay.ask([ReceivedMessage(peer: six, length: 65_527)]).count == 1)
    let reply = { (place: SessionIndex) in
      var batch = ReceivedMessages()
      batch.append(ReceivedMessage(peer: Endpoint(backend, 5_678), length: 65_527))
      relay.core.receiveFromBackend(batch, for: place, now: relay.now)
      return relay.core.trains.count
    }
    #expect(reply(relay.core.trains[0].session) == 1)
    #expect(reply(relay.ask(0)[0].session) == 0)
    #expect(relay.counters.dropped(.tooLarge) == 1)
  }

  @Test func repliesPassOnlyFromTheBackendsAddressAndPort() throws {
    let relay = try TestRelay()
    let source = TestRelay.firstSource + relay.ask(0)[0].source
    var batch = ReceivedMessages()
    for peer in [
      Endpoint(.loopbackIPv4, 5_679), Endpoint(IPAddress(v4: 0x7f00_0002), 5_678), Endpoint(.loopbackIPv6, 5_678),
    ] {
      batch.append(ReceivedMessage(peer: peer, length: 1, destination: source, hopLimit: 0))
    }
    relay.core.receiveFromBackend(batch, now: relay.now)
    #expect(relay.core.trains.count == 0)
    #expect(relay.counters.dropped(.unexpectedSource) == 3)
    // Nor do they keep the session alive.
    relay.wait(.seconds(30))
    #expect(relay.core.expire(now: relay.now, limit: 9) == 1)
  }

  // MARK: Room

  @Test func aFullTableEvictsTheOldestUnrepliedSession() throws {
    let relay = try TestRelay(maxSessions: 3)
    relay.ask(0, 1, 2)
    relay.reply(to: 0)
    relay.ask(1)
    #expect(relay.ask(3).count == 1)
    #expect(relay.counters.ended(.evicted) == 1)
    // 0 was answered, 1 has been active since: it was 2 who had to go.
    #expect(relay.reply(to: 0, 1, 2, 3).map(\.client) == [client(0), client(1), client(3)])
    #expect(relay.counters.dropped(.lateReply) == 1)
  }

  @Test func aTableFullOfSessionsThatWorkRefusesNewClients() throws {
    let relay = try TestRelay(maxSessions: 2)
    relay.ask(0, 1)
    relay.reply(to: 0, 1)
    #expect(relay.ask(2).isEmpty)
    #expect(relay.counters.dropped(.tableFull) == 1)
    #expect(relay.core.takeRefusalForRoom() == .tableFull)
    #expect(relay.core.takeRefusalForRoom() == nil)
    #expect(relay.ask(0, 1).count == 2)
  }

  @Test func nobodyIsEvictedForAClientThatGetsNoSourceAddress() throws {
    let relay = try TestRelay(sources: 2, maxSessions: 2)
    relay.ask(0, 1)
    #expect(relay.ask(2).isEmpty)
    #expect(relay.counters.dropped(.sourcesExhausted) == 1)
    #expect(relay.core.takeRefusalForRoom() == .sourcesExhausted)
    #expect(relay.counters.ended(.evicted) == 0)
    #expect(relay.reply(to: 0, 1).count == 2)
  }

  @Test func aFloodOfSpoofedClientsLeavesRepliedSessionsAlone() throws {
    let relay = try TestRelay(sources: 1 << 20, maxSessions: 100)
    relay.ask((0..<50).map { ReceivedMessage(peer: client($0), length: 10) })
    for source in 0..<50 as Range<UInt32> { relay.reply(to: source) }
    for round in 0..<10_000 as Range<UInt32> {
      relay.ask(
        (0..<64).map { ReceivedMessage(peer: Endpoint(IPAddress(v4: 0x0100_0000 + round * 64 + $0), 7), length: 10) })
    }
    #expect(relay.core.sessionCount == 100)
    #expect(relay.counters.sessionsCreated == 50 + 640_000)
    #expect(relay.counters.ended(.evicted) == 640_000 - 50)
    for source in 0..<50 as Range<UInt32> {
      #expect(relay.reply(to: source).map(\.client) == [client(Int(source))])
    }
  }

  // MARK: Late replies

  @Test func aLateReplyFindsNobodyUntilItsQuarantineIsOver() throws {
    let relay = try TestRelay(sources: 1, maxSessions: 1)
    relay.ask(0)
    relay.wait(.seconds(30))
    #expect(relay.core.expire(now: relay.now, limit: 9) == 1)
    #expect(relay.reply(to: 0).isEmpty)
    relay.wait(.seconds(120))
    #expect(relay.ask(1).isEmpty)
    #expect(relay.reply(to: 0).isEmpty)
    #expect(relay.counters.dropped(.lateReply) == 2)
    relay.wait(.milliseconds(202))
    #expect(relay.ask(1).count == 1)
    #expect(relay.reply(to: 0).map(\.client) == [client(1)])
  }

  @Test(arguments: [0, TestRelay.firstSource - 1, TestRelay.firstSource + 1, TestRelay.firstSource + 64, .max])
  func aReplyToAnAddressOfNobodyIsLate(destination: UInt32) throws {
    let relay = try TestRelay()
    relay.ask(0)
    var batch = ReceivedMessages()
    batch.append(ReceivedMessage(peer: TestRelay.backend, length: 1, destination: destination))
    relay.core.receiveFromBackend(batch, now: relay.now)
    #expect(relay.core.trains.count == 0)
    #expect(relay.counters.dropped(.lateReply) == 1)
  }
}
