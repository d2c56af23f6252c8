import EventLoop
import Linux

/// The end in good order: no new sessions, but replies that are still on their way are relayed, until nothing moves any
/// more and nobody waits for a reply, or the limit is reached.
final class Drain {
  /// Nothing relayed for so long means idle, unless a client waits for its reply.
  private static let idle = Nanoseconds.milliseconds(500)
  private static let period = Nanoseconds.milliseconds(50)

  private let crew: WorkerCrew
  private let end: Instant
  private let done: () -> Void
  private var timer: Timer?
  private var datagrams: UInt64
  private var lastMove: Instant

  init(_ loop: Loop, _ crew: WorkerCrew, limit: Nanoseconds, done: @escaping () -> Void) throws(Errno) {
    self.crew = crew
    self.done = done
    end = .now + limit
    lastMove = .now
    datagrams = crew.datagrams
    timer = try Timer(loop) { [unowned self] in self.look() }
    crew.drain()
    look()
  }

  private func look() {
    let now = Instant.now
    let moved = crew.datagrams
    if moved != datagrams { lastMove = now }
    datagrams = moved
    let isIdle = crew.sessionsAwaitingReply == 0 && now - lastMove >= Self.idle
    if crew.sessions == 0 || now >= end || isIdle { return done() }
    timer?.start(after: Self.period)
  }
}
