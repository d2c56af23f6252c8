import EventLoop
import Linux
import Relay

/// Signs of life for a watchdog, from the workers' real progress: twice in its time every worker is asked through its mailbox
/// to answer, and only when all have answered there is a sign. A worker that is stuck, or a control loop that is, gives none.
final class Heartbeat {
  private let workers: [Worker]
  private let half: Nanoseconds
  /// Workers that have not answered yet.
  private let silent = Guarded(0)
  private var wakeup: Wakeup?
  private var timer: Timer?
  private let beat: () -> Void

  /// - Parameters:
  ///   - period: how long the watchdog waits.
  ///   - beat: called on the loop for each sign.
  /// - Throws: EMFILE, ENOMEM.
  init(_ loop: Loop, _ workers: [Worker], period: Nanoseconds, _ beat: @escaping () -> Void) throws(Errno) {
    self.workers = workers
    self.beat = beat
    half = Nanoseconds(period.count / 2)
    wakeup = try Wakeup(loop) { [unowned self] in self.beat() }
    timer = try Timer(loop) { [unowned self] in self.ask() }
  }

  /// Begins, with a first question at once.
  func start() { ask() }

  /// Asks, unless an earlier question is still unanswered: whoever is stuck needs no more of them.
  private func ask() {
    timer?.start(after: half)
    let isAnswered = silent.withLock { silent in
      if silent > 0 { return false }
      silent = workers.count
      return true
    }
    guard isAnswered, let wakeup else { return }
    for worker in workers {
      worker.answer { [silent] in
        let isLast = silent.withLock { silent in
          silent -= 1
          return silent == 0
        }
        if isLast { wakeup.send() }
      }
    }
  }
}
