import Linux
import Relay
import Testing

/// Sessions are read in parts, while others begin and end.
@Suite struct SessionReadingTests {
  /// Reads everything, some places at a time.
  private func clients(
    of relay: TestRelay, limit: Int, between: (Int) -> Void = { _ in }
  ) -> [Endpoint] {
    var (found, place, parts): ([Endpoint], Int?, Int) = ([], 0, 0)
    while let start = place {
      place = relay.core.readSessions(from: start, limit: limit) { found.append($0.client) }
      parts += 1
      between(parts)
    }
    return found
  }

  @Test(arguments: [1, 2, 3, 7, 10, 11, 1_000])
  func eachIsReadOnceHoweverSmallTheParts(_ limit: Int) throws {
    let relay = try TestRelay(maxSessions: 32)
    for number in 0..<10 { relay.ask(number) }
    #expect(clients(of: relay, limit: limit) == (0..<10).map { client($0) })
  }

  @Test func ofATableWithoutSessionsThereIsNothing() throws {
    #expect(clients(of: try TestRelay(), limit: 4) == [])
  }

  @Test func thoseThatHaveEndedAreNotRead() throws {
    let relay = try TestRelay(maxSessions: 32)
    for number in 0..<10 {
      relay.ask(number)
      relay.wait(.seconds(1))
    }
    relay.wait(.seconds(25))
    // The first six have been silent for 30 s.
    relay.core.expire(now: relay.now, limit: 100)
    #expect(clients(of: relay, limit: 3) == (6..<10).map { client($0) })
  }

  /// Whoever lives throughout is there once; those who come and go may be.
  @Test func whoLivesThroughoutIsReadOnceWhateverBeginsAndEndsMeanwhile() throws {
    for seed in 0..<50 as Range<UInt64> {
      var dice = Dice(seed: seed)
      let relay = try TestRelay(sources: 4_096, maxSessions: 512)
      let staying = (0..<40).map { $0 * 7 }
      for number in 0..<300 { relay.ask(number) }
      relay.wait(.seconds(20))
      for number in staying { relay.ask(number) }
      relay.wait(.seconds(9))
      var next = 1_000
      let found = clients(of: relay, limit: 16) { _ in
        // Others end when their time is up, and new ones take their places.
        relay.wait(.milliseconds(200))
        relay.core.expire(now: relay.now, limit: dice.below(60))
        for _ in 0..<dice.below(40) {
          relay.ask(next)
          next += 1
        }
      }
      #expect(Set(found).count == found.count)
      #expect(Set(staying.map { client($0) }).isSubset(of: found))
    }
  }

  @Test func whatIsReadIsWhatWasCounted() throws {
    let relay = try TestRelay()
    relay.ask(0)
    relay.wait(.seconds(1))
    relay.reply(to: 0)
    relay.ask(0, 1)
    var read: [Session] = []
    _ = relay.core.readSessions(from: 0, limit: 100) { read.append($0) }
    #expect(read.map(\.client) == [client(0), client(1)])
    #expect(read.map(\.listener) == [ListenerIndex(0), ListenerIndex(0)])
  }
}
