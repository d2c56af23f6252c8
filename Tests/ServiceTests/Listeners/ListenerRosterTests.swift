import Linux
import Relay
import Service
import Testing

@Suite struct ListenerRosterTests {
  private let start = Instant(nanoseconds: 1_000_000_000_000)
  private let a = key(1)
  private let b = key(2)
  private let c = key(3)

  private static func key(_ number: UInt32) -> ListenerKey {
    ListenerKey(relay: RelayID(0), endpoint: Endpoint(IPAddress(v4: 0x0a00_0000 + number), 53))
  }

  /// A roster that serves these.
  private func serving(_ keys: ListenerKey...) -> ListenerRoster {
    var roster = ListenerRoster()
    _ = roster.update(eligible: keys, now: start)
    for key in keys { roster.opened(key) }
    return roster
  }

  @Test func everyEligibleListenerIsOpenedInOrder() {
    var roster = ListenerRoster()
    #expect(roster.update(eligible: [b, a, c], now: start) == [.open(b), .open(a), .open(c)])
    #expect(roster.serving.isEmpty)
    for key in [a, b, c] { roster.opened(key) }
    #expect(Set(roster.serving) == [a, b, c])
    #expect(roster.pending.isEmpty)
    #expect(roster.nextDeadline == nil)
  }

  @Test func whatIsServedAndStillEligibleIsLeftAlone() {
    var roster = serving(a, b)
    #expect(roster.update(eligible: [b, a], now: start) == [])
    #expect(roster.update(eligible: [a, b, c], now: start) == [.open(c)])
  }

  // MARK: Addresses that go

  @Test func anAddressThatGoesIsSuspendedAtOnceAndClosedAfterTenSeconds() {
    var roster = serving(a, b)
    #expect(roster.update(eligible: [b], now: start) == [.suspend(a)])
    #expect(roster.serving == [b])
    #expect(roster.nextDeadline == start + .seconds(10))
    #expect(roster.due(now: start + Nanoseconds(9_999_999_999)) == [])
    #expect(roster.due(now: start + .seconds(10)) == [.close(a)])
    #expect(roster.due(now: start + .seconds(20)) == [])
    #expect(roster.nextDeadline == nil)
  }

  @Test func anAddressThatComesBackWithinTheGraceIsResumedNotOpened() {
    var roster = serving(a)
    _ = roster.update(eligible: [], now: start)
    #expect(roster.update(eligible: [a], now: start + Nanoseconds(9_999_999_999)) == [.resume(a)])
    #expect(roster.serving == [a])
    #expect(roster.due(now: start + .seconds(60)) == [])
  }

  @Test func anAddressThatComesBackLaterIsOpenedAnew() {
    var roster = serving(a)
    _ = roster.update(eligible: [], now: start)
    #expect(roster.due(now: start + .seconds(10)) == [.close(a)])
    #expect(roster.update(eligible: [a], now: start + .seconds(11)) == [.open(a)])
  }

  @Test func theGraceBeginsAnewWithEveryLossAndNotWithEveryLook() {
    var roster = serving(a)
    _ = roster.update(eligible: [], now: start)
    #expect(roster.update(eligible: [], now: start + .seconds(5)) == [])
    #expect(roster.nextDeadline == start + .seconds(10))
    _ = roster.update(eligible: [a], now: start + .seconds(6))
    _ = roster.update(eligible: [], now: start + .seconds(7))
    #expect(roster.nextDeadline == start + .seconds(17))
  }

  @Test func twoThousandFlapsEndWithExactlyTheEligibleSet() {
    var roster = serving(a, b, c)
    var suspended: Set<ListenerKey> = []
    for flap in 0..<2_000 {
      for action in roster.update(eligible: flap % 2 == 0 ? [b] : [a, b], now: start) {
        switch action {
        case .suspend(let key): #expect(suspended.insert(key).inserted)
        case .resume(let key): #expect(suspended.remove(key) != nil)
        case .open, .close: Issue.record("\(action)")
        }
      }
    }
    #expect(Set(roster.serving) == [a, b])
    #expect(roster.due(now: start + .seconds(10)) == [.close(c)])
  }

  // MARK: Addresses that cannot be bound yet

  @Test func aPendingListenerIsTriedAgainWithEveryChange() {
    var roster = ListenerRoster()
    _ = roster.update(eligible: [a], now: start)
    #expect(roster.failed(a, .addressNotAvailable, now: start) == true)
    #expect(roster.pending.map(\.key) == [a])
    #expect(roster.pending.map(\.reason) == [.addressNotAvailable])
    #expect(roster.update(eligible: [a], now: start) == [.open(a)])
    roster.opened(a)
    #expect(roster.nextDeadline == nil)
  }

  @Test func aPendingAddressThatGoesIsForgotten() {
    var roster = ListenerRoster()
    _ = roster.update(eligible: [a], now: start)
    _ = roster.failed(a, .addressNotAvailable, now: start)
    #expect(roster.update(eligible: [], now: start) == [])
    #expect(roster.pending.isEmpty)
    #expect(roster.nextDeadline == nil)
  }

  @Test func onlyTheFirstFailureAndAnotherReasonAreNews() {
    var roster = ListenerRoster()
    _ = roster.update(eligible: [a], now: start)
    #expect(roster.failed(a, .addressNotAvailable, now: start) == true)
    #expect(roster.failed(a, .addressNotAvailable, now: start) == false)
    #expect(roster.failed(a, .tooManyDescriptors, now: start) == true)
    #expect(roster.failed(a, .tooManyDescriptors, now: start) == false)
    #expect(roster.failed(b, .tooManyDescriptors, now: start) == false, "nobody wanted it")
  }

  /// How long the roster waits, in milliseconds, after each of so many failures.
  private func delays(_ reason: Errno, _ count: Int) -> [UInt64?] {
    var roster = ListenerRoster()
    var now = start
    _ = roster.update(eligible: [a], now: now)
    return (0..<count).map { _ in
      _ = roster.failed(a, reason, now: now)
      guard let deadline = roster.nextDeadline else { return nil }
      let delay = (deadline - now).count
      #expect(roster.due(now: now + Nanoseconds(delay - 1)) == [])
      now = deadline
      #expect(roster.due(now: now) == [.open(a)])
      return delay / 1_000_000
    }
  }

  @Test func anUnusableAddressIsTriedEverMoreSeldomThenOnlyWhenTheDoorbellRings() {
    #expect(delays(.addressNotAvailable, 9) == [100, 200, 400, 800, 1_600, 3_200, 6_400, nil, nil])
  }

  @Test func ringsDoNotUseUpTheAttemptsOfTheTimer() {
    var roster = ListenerRoster()
    _ = roster.update(eligible: [a], now: start)
    for burst in 0..<20 {
      _ = roster.failed(a, .addressNotAvailable, now: start + .milliseconds(UInt64(burst)))
      #expect(roster.nextDeadline == start + .milliseconds(100))
      #expect(roster.update(eligible: [a], now: start + .milliseconds(UInt64(burst))) == [.open(a)])
    }
  }

  @Test(arguments: [Errno.addressInUse, .tooManyDescriptors])
  func whatEndsWithoutARingIsTriedForEver(_ reason: Errno) {
    #expect(delays(reason, 10) == [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000])
  }

  @Test func theNextDeadlineIsTheEarliestOfAll() {
    var roster = serving(a, b)
    _ = roster.update(eligible: [b], now: start)
    _ = roster.update(eligible: [], now: start + .seconds(1))
    #expect(roster.nextDeadline == start + .seconds(10))
    _ = roster.update(eligible: [c], now: start + .seconds(2))
    _ = roster.failed(c, .addressInUse, now: start + .seconds(2))
    #expect(roster.nextDeadline == start + .milliseconds(2_100))
  }
}
