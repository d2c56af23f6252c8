import EventLoop
import Linux
import Logging
import Relay

/// Tells of datagrams that were lost because a receive queue was full: of each relay one line a period, with how many, where,
/// and what to do about it.
///
/// Workers only note it, as with every trouble; the control plane's thread writes.
final class QueueLossLog: Sendable {
  /// As long as `LogLimiter`'s.
  private static let period = Nanoseconds.seconds(10)

  /// What one relay has lost and nobody was told of yet.
  struct Loss: Sendable {
    var queues: [ReceiveQueue: UInt64] = [:]

    var datagrams: UInt64 { queues.values.reduce(0, +) }
    /// The one that lost most.
    var worst: ReceiveQueue? { queues.max { $0.value < $1.value }?.key }
  }

  private let lost = Guarded<[RelayID: Loss]>([:])
  private let wakeup: Wakeup
  private let desk: Desk

  /// - Parameter loop: the control plane's.
  init(_ loop: Loop, _ logger: Logger, _ names: RelayNames) throws(Errno) {
    let desk = Desk(logger, names)
    self.desk = desk
    wakeup = try Wakeup(loop) { desk.look() }
    desk.timer = try Timer(loop) { desk.look() }
    desk.take = { [lost] due in
      lost.withLock { lost in
        let taken = lost.filter { due($0.key) }
        for id in taken.keys { lost[id] = nil }
        return (taken, lost.isEmpty)
      }
    }
  }

  /// Says what can be done about a queue; asked when a line is written.
  func remedies(_ remedy: @escaping (RelayID, ReceiveQueue) -> QueueRemedy?) { desk.remedy = remedy }

  /// Notes a loss. From any thread; writes nothing.
  func note(_ datagrams: UInt64, at queue: ReceiveQueue, of relay: RelayID) {
    let isNews = lost.withLock { lost in
      let isNews = lost[relay] == nil
      lost[relay, default: Loss()].queues[queue, default: 0] += datagrams
      return isNews
    }
    if isNews { wakeup.send() }
  }

  /// Writes what nobody was told of yet, however short a time ago the last line was; on the control plane's thread.
  func finish() { desk.write { _ in true } }

  /// What the control plane's thread does.
  private final class Desk: @unchecked Sendable {
    private let logger: Logger
    private let names: RelayNames
    private var quiet: [RelayID: Instant] = [:]
    var timer: Timer?
    var take: (_ due: (RelayID) -> Bool) -> (taken: [RelayID: Loss], isEmpty: Bool) = { _ in ([:], true) }
    var remedy: (RelayID, ReceiveQueue) -> QueueRemedy? = { _, _ in nil }

    init(_ logger: Logger, _ names: RelayNames) {
      self.logger = logger
      self.names = names
    }

    func look() {
      let now = Instant.now
      quiet = quiet.filter { $0.value > now }
      write { quiet[$0] == nil }
    }

    func write(_ due: (RelayID) -> Bool) {
      let (taken, isEmpty) = take(due)
      for (id, loss) in taken.sorted(by: { $0.key < $1.key }) {
        write(id, loss)
        quiet[id] = .now + QueueLossLog.period
      }
      guard !isEmpty, timer?.isRunning == false, let next = quiet.values.min() else { return }
      timer?.start(after: max(next - .now, .milliseconds(1)))
    }

    private func write(_ id: RelayID, _ loss: Loss) {
      guard let worst = loss.worst else { return }
      var metadata: Logger.Metadata = ["relay": "\(names[id])", "datagrams": .stringConvertible(loss.datagrams)]
      if case .listener(let endpoint) = worst { metadata["address"] = "\(endpoint)" }
      if loss.queues.count > 1 { metadata["queues"] = .stringConvertible(loss.queues.count) }
      let whose = if case .upstream = worst { "the queue of replies" } else { "a listener's receive queue" }
      let remedy = remedy(id, worst).map { ": \($0.text)" } ?? ""
      logger.warning("datagrams were lost because \(whose) was full\(remedy)", metadata: metadata)
    }
  }
}
