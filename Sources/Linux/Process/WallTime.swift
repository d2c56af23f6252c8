import Glibc

/// A moment of the wall clock (CLOCK_REALTIME, clock_gettime(2)). For people only: nothing may depend on it.
public struct WallTime: Hashable, Sendable, CustomStringConvertible {
  private let seconds: Int
  private let milliseconds: Int

  /// A moment by its distance from 1970-01-01T00:00:00Z.
  public init(millisecondsSince1970: Int) {
    milliseconds = millisecondsSince1970 % 1000
    seconds = millisecondsSince1970 / 1000
  }

  /// Reads the clock: no system call (vdso(7)).
  public static var now: WallTime {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(millisecondsSince1970: time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
  }

  /// So much before it, to the millisecond.
  public func earlier(by span: Nanoseconds) -> WallTime {
    WallTime(millisecondsSince1970: seconds * 1000 + milliseconds - Int(span.count / 1_000_000))
  }

  /// In UTC, as RFC 3339 has it: `2026-11-23T12:00:00.123Z`.
  public var description: String {
    let fraction = String(1000 + milliseconds).dropFirst()
    return "\(wholeSeconds).\(fraction)Z"
  }

  private var wholeSeconds: String {
    var time = time_t(seconds)
    var parts = unsafe tm()
    unsafe gmtime_r(&time, &parts)
    var buffer = InlineArray<24, CChar>(repeating: 0)
    return unsafe withUnsafeMutablePointer(to: &buffer) { pointer in
      unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 24) {
        unsafe strftime($0, 24, "%Y-%m-%dT%H:%M:%S", &parts)
        return unsafe String(cString: $0)
      }
    }
  }
}
