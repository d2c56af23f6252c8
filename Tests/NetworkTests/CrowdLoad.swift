import Glibc
import Linux
import Support

/// A crowd that speaks without end, at an even pace, a few clients at a time.
final class CrowdLoad {
  private struct State {
    var isStopping = false
    var rounds = 0
    var failure: String?
  }

  private static let atOnce = isSanitized ? 20 : 100
  private static let pause = Nanoseconds.milliseconds(5)

  private let crowd: Crowd
  private let state = Monitor(State())
  private let thread: Linux.Thread

  init(_ crowd: Crowd, clients: Int) throws {
    self.crowd = crowd
    thread = try Linux.Thread(named: "crowd") { [state] in
      do { try Self.run(crowd, clients, state) } catch { state.with { $0.failure = "\(error)" } }
    }
  }

  private static func run(_ crowd: Crowd, _ clients: Int, _ state: Monitor<State>) throws {
    var due = Instant.now
    while true {
      for first in stride(from: 0, to: clients, by: atOnce) {
        if state.with({ $0.isStopping }) { return }
        try crowd.send(Crowd.Order { ($0.first, $0.clients) = (first, min(atOnce, clients - first)) })
        due = max(due + pause, .now)
        while Instant.now < due {
          try crowd.receive()
          usleep(500)
        }
      }
      state.with { $0.rounds += 1 }
    }
  }

  /// Waits until every client has spoken so many times more.
  func waitForRounds(_ count: Int) throws {
    let wanted = state.with { $0.rounds } + count + 1
    try eventually("every client speaks", within: .seconds(60)) {
      if let failure = state.with({ $0.failure }) { throw TestFailure("the crowd stopped: \(failure)") }
      return state.with { $0.rounds } >= wanted
    }
  }

  func stop() throws -> (sent: Int, own: Int, foreign: Int) {
    state.with { $0.isStopping = true }
    thread.join()
    try? crowd.receive(own: crowd.sent)
    return (crowd.sent, crowd.own, crowd.foreign)
  }
}
