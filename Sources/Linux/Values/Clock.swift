import Glibc

/// A moment of the monotonic clock (CLOCK_MONOTONIC, clock_gettime(2)): setting the wall clock does not touch it.
@frozen
public struct Instant: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// Nanoseconds since an arbitrary moment, in practice the boot.
  public let nanoseconds: UInt64

  /// A moment by its nanoseconds.
  @inlinable
  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// Reads the clock: no system call (vdso(7)).
  public static var now: Instant {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
  }

  /// Earlier or later.
  @inlinable
  public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

  /// The moment so much later.
  @inlinable
  public static func + (a: Instant, b: Nanoseconds) -> Instant { Instant(nanoseconds: a.nanoseconds &+ b.count) }

  /// How much later `a` is than `b`; zero when it is not.
  @inlinable
  public static func - (a: Instant, b: Instant) -> Nanoseconds {
    Nanoseconds(a.nanoseconds > b.nanoseconds ? a.nanoseconds &- b.nanoseconds : 0)
  }
}

/// A length of time, 0 to 584 years.
@frozen
public struct Nanoseconds: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// How many.
  public let count: UInt64

  /// So many nanoseconds.
  @inlinable
  public init(_ count: UInt64) { self.count = count }

  /// No time at all.
  public static let zero = Nanoseconds(0)

  /// So many microseconds.
  @inlinable
  public static func microseconds(_ count: UInt64) -> Nanoseconds { Nanoseconds(count &* 1_000) }

  /// So many milliseconds.
  @inlinable
  public static func milliseconds(_ count: UInt64) -> Nanoseconds { Nanoseconds(count &* 1_000_000) }

  /// So many seconds.
  @inlinable
  public static func seconds(_ count: UInt64) -> Nanoseconds { Nanoseconds(count &* 1_000_000_000) }

  /// Whole milliseconds, rounded up, so that a timer of that length never fires too early.
  @inlinable
  public var millisecondsRoundedUp: UInt64 { count / 1_000_000 &+ (count % 1_000_000 == 0 ? 0 : 1) }

  /// Lets the calling thread sleep so long (nanosleep(2)); less when a signal comes.
  public func sleep() {
    var time = timespec(tv_sec: Int(count / 1_000_000_000), tv_nsec: Int(count % 1_000_000_000))
    unsafe nanosleep(&time, nil)
  }

  /// Shorter or longer.
  @inlinable
  public static func < (a: Nanoseconds, b: Nanoseconds) -> Bool { a.count < b.count }
}
