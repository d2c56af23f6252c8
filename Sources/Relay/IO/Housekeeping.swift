import EventLoop
import Linux

/// What a forwarder does beside relaying: end sessions whose time is up, and those of listeners that are gone. Always in
/// small steps, so that no datagram waits for long; and never when there is nothing to do, so that a process at rest
/// sleeps.
final class Housekeeping {
  /// Ending a session takes about 0.1 us, with a socket of its own some 5 us: 256 of them take about a millisecond.
  private static let sessionsPerStep = 256
  /// Looking at a place of the table takes some 10 ns.
  private static let placesPerStep = 16_384
  /// Sessions are ended so late at most, which saves a wake-up each.
  private static let lateness = Nanoseconds.milliseconds(20)

  private unowned let forwarder: Forwarder
  private var expiry: Timer?
  private var sweeping: Timer?
  /// When the expiry timer fires; nil when it does not run.
  private var expected: Instant?
  private var place = 0
  /// Whether a listener has gone since the sweep began.
  private var beginsAnew = false
  /// Which listeners were gone when the sweep began: after it, nobody points to them.
  private var leaving: [ListenerIndex] = []

  init(_ loop: Loop, _ forwarder: Forwarder) throws(Errno) {
    self.forwarder = forwarder
    expiry = try Timer(loop) { [unowned self] in self.expire() }
    sweeping = try Timer(loop) { [unowned self] in self.sweep() }
  }

  /// Sees to it that the timer fires when the next session expires. A session that was never answered may expire before
  /// one that the timer already waits for.
  @inline(__always)
  func expectExpiry(_ now: Instant) {
    guard let next = forwarder.core.nextExpiry else { return }
    if let expected, expected <= next + Self.lateness { return }
    let delay = max(next - now, Self.lateness)
    expected = now + delay
    expiry?.start(after: delay)
  }

  private func expire() {
    let now = Instant.now
    expected = nil
    let ended = forwarder.core.expire(now: now, limit: Self.sessionsPerStep)
    forwarder.closeEndedUpstreams()
    if ended < Self.sessionsPerStep { return expectExpiry(now) }
    expected = now
    expiry?.start(after: .milliseconds(0))
  }

  /// A listener is gone: its sessions end soon. One sweep does for thousands that go at once.
  func beginSweep() {
    beginsAnew = true
    sweeping?.start(after: .milliseconds(0))
  }

  private func sweep() {
    if beginsAnew {
      beginsAnew = false
      place = 0
      leaving = forwarder.listeners.compactMap { $0?.state == .gone ? $0?.index : nil }
    }
    let next = forwarder.core.sweep(from: place, limit: Self.placesPerStep, now: .now) { index in
      forwarder.listeners[index.position]?.state == .gone
    }
    forwarder.closeEndedUpstreams()
    if let next {
      place = next
      sweeping?.start(after: .milliseconds(0))
    } else {
      for index in leaving { forwarder.forget(index) }
      leaving = []
    }
  }
}
