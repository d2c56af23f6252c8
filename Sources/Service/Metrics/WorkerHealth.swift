import Linux
import Relay

/// Whether every worker turns its loop. Each is asked whenever somebody wants to know, and what counts is whether it has
/// answered what it was asked before: so nobody waits for a worker, and none is woken while nobody wants to know.
final class WorkerHealth {
  /// A loop's turn takes a few milliseconds at most. On a host that is starved of processors it may take longer.
  static let patience = Nanoseconds.seconds(3)

  private let workers: [Worker]
  /// When those were asked that have not answered yet.
  private let asked: Guarded<[Instant?]>

  init(_ workers: [Worker]) {
    self.workers = workers
    asked = Guarded(workers.map { _ in nil })
  }

  /// What is wrong; nil when nothing is. A worker that stands still is found out by the second call, if that comes later
  /// than the patience.
  func findFault(now: Instant) -> String? {
    let silent = asked.withLock { $0 }
    for (number, worker) in workers.enumerated() where silent[number] == nil {
      asked.withLock { $0[number] = now }
      worker.answer { [asked] in asked.withLock { $0[number] = nil } }
    }
    for case (let number, let since?) in silent.enumerated() where now - since >= Self.patience {
      return "worker \(number) has not turned its loop for \((now - since).count / 1_000_000_000) s"
    }
    return nil
  }
}
