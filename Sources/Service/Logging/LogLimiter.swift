public import Linux

/// Keeps a log from flooding: of each class of event, one line a period, and at its end one line with the sum of the rest.
///
/// Time is an argument. Whoever owns the limiter writes the lines, and wakes up at `nextSummary`; while nothing was
/// suppressed there is nothing to wake up for. An event of a class that occurred before allocates nothing, since events may
/// come with every datagram; that is why a class, once seen, is kept: there must be few.
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
    let `class`: Class
    var end: Instant
    var suppressed: UInt64
  }

  private let length: Nanoseconds
  private var periods: [Period] = []
  /// Where a class has its period. Not the periods themselves: to change a dictionary's value in place allocates.
  private var places: [Class: Int] = [:]

  /// A limiter with periods of this length.
  public init(period: Nanoseconds = .seconds(10)) { length = period }

  /// Notes an event and says whether to write it.
  ///
  /// - Parameter count: How many events of this class there were at once; all but the one that is written are suppressed.
  public mutating func note(_ class: Class, count: UInt64 = 1, at now: Instant) -> Verdict {
    let rest = count - min(count, 1)
    guard let place = places[`class`] else {
      places[`class`] = periods.count
      periods.append(Period(class: `class`, end: now + length, suppressed: rest))
      return .write(suppressedBefore: 0)
    }
    if now < periods[place].end {
      periods[place].suppressed += count
      return .suppress
    }
    let before = periods[place].suppressed
    periods[place].end = now + length
    periods[place].suppressed = rest
    return .write(suppressedBefore: before)
  }

  /// When to ask for summaries next; nil while nothing is suppressed.
  public var nextSummary: Instant? {
    var next: Instant?
    for period in periods where period.suppressed > 0 { next = min(next ?? period.end, period.end) }
    return next
  }

  /// The sums of all periods that have ended. A class that gets one starts a new period, for the sum was its line.
  public mutating func summaries(at now: Instant) -> [Summary] {
    var summaries: [Summary] = []
    for place in periods.indices where periods[place].suppressed > 0 && periods[place].end <= now {
      summaries.append(Summary(class: periods[place].class, suppressed: periods[place].suppressed))
      periods[place].end = now + length
      periods[place].suppressed = 0
    }
    return summaries
  }
}
