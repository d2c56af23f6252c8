import EventLoop
import Linux
import Logging

/// Writes down what becomes of the listeners. What happens often is told together: of each kind of news one line a second,
/// with everything that has come since the last one. Nothing is left out, and nothing wakes the process up but that.
final class ChangeLog {
  /// What can be told of a listener.
  enum News: Hashable {
    /// It serves, for the first time or again.
    case serving
    /// Its address is gone.
    case suspended
    /// Its address did not come back.
    case closed
    /// The configuration does not want it any more.
    case dismissed
    /// It could not be opened.
    case refused(Errno)
  }

  private struct Period {
    var end: Instant
    var waiting: [Endpoint] = []
  }

  private static let length = Nanoseconds.seconds(1)

  private let logger: Logger
  private var periods: [News: Period] = [:]
  private var timer: Timer?

  init(_ loop: Loop, _ logger: Logger) throws(Errno) {
    self.logger = logger
    timer = try Timer(loop) { [unowned self] in self.periodIsOver() }
  }

  /// Tells news, now or at the end of the second.
  func note(_ news: News, _ endpoints: [Endpoint], now: Instant) {
    if endpoints.isEmpty { return }
    if let period = periods[news], now < period.end {
      periods[news]?.waiting += endpoints
      if timer?.isRunning == false { timer?.start(after: period.end - now) }
    } else {
      periods[news] = Period(end: now + Self.length)
      write(news, endpoints)
    }
  }

  private func periodIsOver() {
    let now = Instant.now
    for (news, period) in periods where period.end <= now {
      periods[news] = nil
      note(news, period.waiting, now: now)
    }
    guard let next = periods.values.filter({ !$0.waiting.isEmpty }).map(\.end).min() else { return }
    timer?.start(after: next - now)
  }

  private func write(_ news: News, _ endpoints: [Endpoint]) {
    var metadata: Logger.Metadata = ["addresses": "\(EndpointList(endpoints))"]
    if case .refused(let error) = news {
      metadata["error"] = "\(error)"
      if error == .addressInUse, let first = endpoints.first, let process = PortHolder.blocking(first)?.process {
        metadata["holder"] = "\(process.name) (pid \(process.id))"
      }
    }
    logger.log(level: news.level, news.message, metadata: metadata)
  }
}

extension ChangeLog.News {
  fileprivate var level: Logger.Level {
    switch self {
    case .refused(.addressNotAvailable): .info
    case .refused: .error
    case .serving, .suspended, .closed, .dismissed: .info
    }
  }

  fileprivate var message: Logger.Message {
    switch self {
    case .serving: "listening again or anew"
    case .suspended: "address is gone; its sessions wait for it"
    case .closed: "address did not come back; its sessions have ended"
    case .dismissed: "not listening there any more, as configured"
    case .refused(.addressNotAvailable):
      "address is not usable yet: duplicate address detection is running, or has failed"
    case .refused(.tooManyDescriptors), .refused(.tooManyFiles):
      "no descriptor left for these listeners; raise the limit on open files (ulimit -Hn, or LimitNOFILE= in the unit)"
    case .refused(.addressInUse): "another process holds an address and port that we want"
    case .refused: "cannot listen"
    }
  }
}

/// Some endpoints as text: the first few, and how many more.
struct EndpointList: CustomStringConvertible {
  private static let shown = 8
  let description: String

  init(_ endpoints: [Endpoint]) {
    let first = endpoints.prefix(Self.shown).map(\.description).joined(separator: ", ")
    let more = endpoints.count - Self.shown
    description = more > 0 ? "\(first) and \(more) more" : first
  }
}
