import Linux
import Relay

/// Whether every worker turns its loop. Each is asked whenever somebody wants to know, and what counts is whether it has
/// answered what it was asked before: so nobody waits for a worker, and none is woken while nobody wants to know.
struct WorkerHealth {
  /// A loop's turn takes a few milliseconds at most. On a host that is starved of processors it may take longer.
  static let patience = Nanoseconds.seconds(3)

  private struct Question {
    let asked: Instant
    let isAnswered = Guarded(false)
  }

  private let workers: [Worker]
  private var questions: [Question?]

  init(_ workers: [Worker]) {
    self.workers = workers
    questions = workers.map { _ in nil }
  }

  /// What is wrong; nil when nothing is. A worker that stands still is found out by the second call, if that comes later
  /// than the patience.
  mutating func findFault(now: Instant) -> String? {
    var fault: String?
    for (number, worker) in workers.enumerated() {
      if let question = questions[number], !question.isAnswered.withLock({ $0 }) {
        let silence = now - question.asked
        if silence >= Self.patience {
          fault = fault ?? "worker \(number) has not turned its loop for \(silence.count / 1_000_000_000) s"
        }
      } else {
        questions[number] = ask(worker, now)
      }
    }
    return fault
  }

  private func ask(_ worker: Worker, _ now: Instant) -> Question {
    let question = Question(asked: now)
    worker.answer { [answered = question.isAnswered] in answered.withLock { $0 = true } }
    return question
  }
}
