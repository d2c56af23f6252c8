import Linux
import Relay
import Testing

@Suite struct SourcePoolTests {
  private let tick: UInt64 = 1 << 26
  private let session = SessionIndex(3)

  /// When an address that was given back at one moment is handed out again, in a pool of one.
  private func isHandedOut(_ quarantine: Nanoseconds, freed: UInt64, asked: UInt64) throws -> Bool {
    var pool = try SourcePool(count: 1, quarantine: quarantine)
    // In two steps: the macro cannot call what mutates a noncopyable value.
    let taken = pool.take(now: Instant(nanoseconds: freed))
    let number = try #require(taken)
    pool.giveBack(number, now: Instant(nanoseconds: freed))
    return pool.take(now: Instant(nanoseconds: asked)) != nil
  }

  @Test(arguments: [
    Nanoseconds(0), Nanoseconds(1), .milliseconds(67), Nanoseconds(1 << 26), Nanoseconds((1 << 26) + 1), .seconds(1),
    SourcePool.standardQuarantine,
  ])
  func noRoundingEndsAQuarantineEarlyOrKeepsItMoreThanThreeTicksLonger(_ quarantine: Nanoseconds) throws {
    // At the beginning, in the middle and at the end of a tick; right before and after the ticks begin anew.
    for begin in [0, 1_000, (1 << 31) - 1_000, (1 << 31) - 1, 1 << 31, (1 << 32) - 1] as [UInt64] {
      for freed in [begin * tick, begin * tick + 1, begin * tick + tick / 2, begin * tick + tick - 1] {
        for early in [1, 2, tick / 10] where early <= quarantine.count {
          #expect(try !isHandedOut(quarantine, freed: freed, asked: freed + quarantine.count - early))
        }
        #expect(try isHandedOut(quarantine, freed: freed, asked: freed + quarantine.count + 3 * tick))
      }
    }
  }

  @Test func evenWithoutAQuarantineAnAddressIsNotHandedOutAgainAtOnce() throws {
    #expect(try !isHandedOut(Nanoseconds(0), freed: 5 * tick, asked: 5 * tick))
    #expect(try isHandedOut(Nanoseconds(0), freed: 5 * tick, asked: 7 * tick))
  }

  @Test func everyAddressIsHandedOutOnceThenNone() throws {
    var pool = try SourcePool(count: 100)
    let now = Instant(nanoseconds: 0)
    let numbers = (0..<100).compactMap { _ in pool.take(now: now) }
    #expect(Set(numbers) == Set(0..<100))
    #expect(pool.take(now: now) == nil)
    #expect(pool.count == 100)
  }

  @Test func addressesComeBackInTheOrderInWhichTheyWereGivenBack() throws {
    var pool = try SourcePool(count: 4, quarantine: .seconds(1))
    for _ in 0..<4 { _ = pool.take(now: Instant(nanoseconds: 0)) }
    for (step, number) in ([2, 0, 3, 1] as [UInt32]).enumerated() {
      pool.giveBack(number, now: Instant(nanoseconds: UInt64(step) * 10 * tick))
    }
    // Each a moment after its own quarantine, while the next one's still lasts.
    let handedOut = (0..<4).map { pool.take(now: Instant(nanoseconds: UInt64($0) * 10 * tick + 17 * tick)) }
    #expect(handedOut == [2, 0, 3, 1])
  }

  @Test func anAddressOutOfQuarantineIsPreferredToOneNeverUsed() throws {
    var pool = try SourcePool(count: 1_000_000, quarantine: .seconds(1))
    var highest: UInt32 = 0
    for second in 0..<1_000 as Range<UInt64> {
      let now = Instant(nanoseconds: second * 1_000_000_000)
      let taken = pool.take(now: now)
      let number = try #require(taken)
      highest = max(highest, number)
      pool.giveBack(number, now: now)
    }
    #expect(highest < 4)
  }

  @Test func anAddressNamesItsSessionOnlyWhileItHasOne() throws {
    var pool = try SourcePool(count: 2)
    let now = Instant(nanoseconds: 0)
    #expect(pool.session(of: 0) == nil)
    let taken = pool.take(now: now)
    let number = try #require(taken)
    pool.assign(number, to: session)
    #expect(pool.session(of: number) == session)
    pool.giveBack(number, now: now)
    #expect(pool.session(of: number) == nil)
    for stranger in [1, 2, .max] as [UInt32] { #expect(pool.session(of: stranger) == nil) }
  }
}
