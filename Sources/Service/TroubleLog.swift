import EventLoop
import Linux
import Logging
import Relay

/// Writes down what the data plane meets: one line a class and period, and a sum of what was left out. Trouble may come
/// with every datagram, from every worker.
///
/// Workers only note it. The control plane's thread writes: a reader of the log that stalls must never stop a datagram.
final class TroubleLog: Sendable {
  /// By name: a relay that a reload brings back is the same one to whoever reads the log.
  private struct Class: Hashable, Sendable {
    let relay: String
    let trouble: Trouble
  }

  private let logger: Logger
  private let names: RelayNames
  private struct Noted {
    var limiter = LogLimiter<Class>()
    /// Lines to be written: at most one a class and period, of few classes.
    var lines: [(class: Class, times: UInt64)] = []
  }

  private let noted = Guarded(Noted())
  private let wakeup: Wakeup

  /// - Parameter loop: the control plane's; it writes the sums.
  init(_ loop: Loop, _ logger: Logger, _ names: RelayNames) throws(Errno) {
    self.logger = logger
    self.names = names
    let sums = Sums()
    wakeup = try Wakeup(loop) { sums.look() }
    sums.timer = try Timer(loop) { sums.look() }
    sums.write = { [unowned self] in self.write() }
    sums.next = { [unowned self] in self.noted.withLock { $0.limiter.nextSummary } }
  }

  /// When to write the next sum; lives on the control plane's loop.
  private final class Sums {
    var timer: Timer?
    var write: () -> Void = {}
    var next: () -> Instant? = { nil }

    func look() {
      write()
      guard timer?.isRunning == false, let next = next() else { return }
      // Never without a pause, in which the loop looks after its other events.
      timer?.start(after: max(next - .now, .milliseconds(1)))
    }
  }

  /// Notes a trouble. From any thread; writes nothing.
  func note(_ relay: RelayID, _ trouble: Trouble) {
    let `class` = Class(relay: names[relay], trouble: trouble)
    let isNews = noted.withLock { noted in
      let wasQuiet = noted.limiter.nextSummary == nil
      switch noted.limiter.note(`class`, at: .now) {
      case .write(let before):
        noted.lines.append((`class`, before + 1))
        return true
      case .suppress: return wasQuiet
      }
    }
    if isNews { wakeup.send() }
  }

  private func write() {
    let lines = noted.withLock { noted in
      defer { noted.lines = [] }
      return noted.lines + noted.limiter.summaries(at: .now).map { ($0.class, $0.suppressed) }
    }
    for line in lines { write(line.class.relay, line.class.trouble, times: line.times) }
  }

  private func write(_ relay: String, _ trouble: Trouble, times: UInt64) {
    var metadata: Logger.Metadata = ["relay": "\(relay)"]
    if times > 1 { metadata["times"] = "\(times)" }
    logger.warning(trouble.message, metadata: metadata)
  }
}

extension Trouble {
  fileprivate var message: Logger.Message {
    switch self {
    case .sendRefused(.toBackend, let errno): "the kernel refused to send to the backend: \(errno)"
    case .sendRefused(.toClient, let errno): "the kernel refused to send to a client: \(errno)"
    case .receiveFailed(.toBackend, .connectionRefused): "the backend's port is closed: is the service running?"
    case .receiveFailed(.toBackend, let errno): "the backend's side reported: \(errno)"
    case .receiveFailed(.toClient, let errno): "a listener reported: \(errno)"
    case .upstreamUnavailable(let errno): "no socket towards the backend for a new client: \(errno)"
    case .newClientRefused(.tableFull): "new clients are refused: every session of --max-sessions is in use"
    case .newClientRefused(.sourcesExhausted):
      "new clients are refused: every address of the source pool is in use or rests; give a larger --source-pool"
    case .newClientRefused(let reason): "new clients are refused: \(reason.label)"
    case .listenerFailed(let errno): "a listener could not be served: \(errno)"
    }
  }
}
