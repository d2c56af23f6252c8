public import Linux

/// Keeps a log from flooding: of each class of event, one line a period, and at its end one line with the sum of the rest.
///
/// Time is an argument. Whoever owns the limiter writes the lines, and wakes up at `nextSummary`; while nothing was
/// suppressed there is nothing to wake up for.
public struct LogLimiter<Class: Hashable & Sendable>: Sendable {
  /// What to do with an event.
  public enum Verdict: Hashable, Sendable {
    /// Write a line, which stands for so many events before it, too.
    case write(suppressedBefore: UInt64)
    /// Write nothing; the event counts towards the sum.
    case suppress
  }

  /// The events of one class that a sum stands for.
  public struct Summary: Hashable, Sendable {
    /// Their class.
    public let `class`: Class
    /// How many they were; never 0.
    public let suppressed: UInt64

    /// A sum.
    public init(class: Class, suppressed: UInt64) {
      self.class = `class`
      self.suppressed = suppressed
    }
  }

  private struct Period {
    var end: Instant
    var suppressed: UInt64 = 0
  }

  private let length: Nanoseconds
  private var periods: [Class: Period] = [:]

  /// A limiter with periods of this length.
  public init(period: Nanoseconds = .seconds(10)) { length = period }

  /// Notes an event and says whether to write it.
  ///
  /// - Parameter count: How many events of this class there were at once; all but the one that is written are suppressed.
  public mutating func note(_ class: Class, count: UInt64 = 1, at now: Instant) -> Verdict {
    if let period = periods[`class`], now < period.end {
      periods[`class`]?.suppressed += count
      return .suppress
    }
    let before = periods[`class`]?.suppressed ?? 0
    periods[`class`] = Period(end: now + length, suppressed: count - min(count, 1))
    return .write(suppressedBefore: before)
  }

  /// When to ask for summaries next; nil while nothing is suppressed.
  public var nextSummary: Instant? {
    periods.values.filter { $0.suppressed > 0 }.map(\.end).min()
  }

  /// The sums of all periods that have ended. A class that gets one starts a new period, for the sum was its line.
  public mutating func summaries(at now: Instant) -> [Summary] {
    var summaries: [Summary] = []
    for (`class`, period) in periods where period.end <= now {
      guard period.suppressed > 0 else {
        periods[`class`] = nil
        continue
      }
      summaries.append(Summary(class: `class`, suppressed: period.suppressed))
      periods[`class`] = Period(end: now + length)
    }
    return summaries
  }
}
