import EventLoop
import Linux
import Logging
import Relay
import Synchronization

/// Writes down what the data plane meets: one line a class and period, and a sum of what was left out. Trouble may come
/// with every datagram, from every worker.
final class TroubleLog: Sendable {
  private struct Class: Hashable, Sendable {
    let relay: Int
    let trouble: Trouble
  }

  private let logger: Logger
  private let names: [String]
  private let limiter = Mutex(LogLimiter<Class>())
  private let wakeup: Wakeup

  /// - Parameters:
  ///   - loop: the control plane's; it writes the sums.
  ///   - names: the relays' names.
  init(_ loop: Loop, _ logger: Logger, names: [String]) throws(Errno) {
    self.logger = logger
    self.names = names
    let sums = Sums()
    wakeup = try Wakeup(loop) { sums.wait() }
    sums.timer = try Timer(loop) { [unowned self] in
      self.writeSums()
      sums.wait()
    }
    sums.next = { [unowned self] in self.limiter.withLock { $0.nextSummary } }
  }

  /// When to write the next sum; lives on the control plane's loop.
  private final class Sums {
    var timer: Timer?
    var next: () -> Instant? = { nil }

    func wait() {
      guard timer?.isRunning == false, let next = next() else { return }
      timer?.start(after: next - .now)
    }
  }

  /// Notes a trouble. From any thread.
  func note(relay: Int, _ trouble: Trouble) {
    let (verdict, isFirstSuppressed) = limiter.withLock { limiter in
      let wasQuiet = limiter.nextSummary == nil
      let verdict = limiter.note(Class(relay: relay, trouble: trouble), at: .now)
      return (verdict, wasQuiet && verdict == .suppress)
    }
    if isFirstSuppressed { wakeup.send() }
    guard case .write(let before) = verdict else { return }
    write(relay: relay, trouble, times: before + 1)
  }

  private func writeSums() {
    for sum in limiter.withLock({ $0.summaries(at: .now) }) {
      write(relay: sum.class.relay, sum.class.trouble, times: sum.suppressed)
    }
  }

  private func write(relay: Int, _ trouble: Trouble, times: UInt64) {
    var metadata: Logger.Metadata = ["relay": "\(names[relay])"]
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
