import EventLoop
import Linux

/// What a forwarder does beside relaying: end sessions whose time is up, and those of listeners that are gone. Always in
/// small steps, so that no datagram waits for long; and never when there is nothing to do, so that a process at rest
/// sleeps.
final class Housekeeping {
  /// Ending a session takes some 0.1 us, with a socket of its own some 5 us: so many take a millisecond at most.
  private var sessionsPerStep: Int { unsafe forwarder.multiplexed == nil ? 256 : 2_048 }
  /// Between two steps the loop looks after its sockets. Not 0: libuv runs a timer that is started anew with 0 in the same
  /// turn, without a look at anything else.
  private static let pause = Nanoseconds.milliseconds(1)
  /// Looking at a place of the table takes some 10 ns.
  private static let placesPerStep = 16_384
  /// Sessions are ended so late at most, which saves a wake-up each.
  private static let lateness = Nanoseconds.milliseconds(20)

  private unowned(unsafe) var forwarder: Forwarder!
  private var expiry: Timer?
  private var sweeping: Timer?
  /// When the expiry timer fires; nil when it does not run.
  private var expected: Instant?
  private var place = 0
  /// Whether a listener has gone since the sweep began.
  private var isSweepWanted = false
  /// Which listeners were gone when the sweep began: after it, nobody points to them.
  private var leaving: [ListenerIndex] = []

  init(_ loop: Loop) throws(Errno) {
    expiry = try Timer(loop) { [unowned self] in self.expire() }
    sweeping = try Timer(loop) { [unowned self] in self.sweep() }
  }

  /// Begins to work for a forwarder, which owns it.
  func begin(for forwarder: Forwarder) { unsafe self.forwarder = forwarder }

  /// Sees to it that the timer fires when the next session expires. A session that was never answered may expire before
  /// one that the timer already waits for.
  @inline(__always)
  func expectExpiry(_ now: Instant) {
    guard let next = unsafe forwarder.core.nextExpiry else { return }
    // What is overdue waits for the timer that runs already: were it started anew, datagrams would put it off for ever.
    if let expected, expected <= max(next, now) + Self.lateness { return }
    let delay = max(next - now, Self.lateness)
    expected = now + delay
    expiry?.start(after: delay)
  }

  /// The same, when the time-outs have changed.
  func expectExpiryAnew(_ now: Instant) {
    expected = nil
    expectExpiry(now)
  }

  /// Does nothing for now.
  func hold() {
    expiry?.stop()
    sweeping?.stop()
  }

  /// Does again what there is to do.
  func release(_ now: Instant) {
    expectExpiryAnew(now)
    // Listeners that have gone, or a sweep that was under way.
    beginSweep()
  }

  /// Does nothing any more.
  func close() {
    expiry?.close()
    sweeping?.close()
  }

  private func expire() {
    let now = Instant.now
    expected = nil
    let ended = unsafe forwarder.core.expire(now: now, limit: sessionsPerStep)
    unsafe forwarder.noteEnds()
    if ended < sessionsPerStep { return expectExpiry(now) }
    expected = now
    expiry?.start(after: Self.pause)
  }

  /// A listener is gone: its sessions end soon. One sweep does for thousands that go at once; those that go during a sweep
  /// are left to the next.
  func beginSweep() {
    isSweepWanted = true
    if sweeping?.isRunning == false { sweeping?.start(after: Self.pause) }
  }

  private func sweep() {
    if place == 0 {
      isSweepWanted = false
      leaving = unsafe forwarder.listeners.compactMap { $0?.whyGone == nil ? nil : $0?.index }
    }
    let next = unsafe forwarder.core.sweep(from: place, limit: Self.placesPerStep, ends: sessionsPerStep, now: .now) {
      index in
      unsafe forwarder.listeners[index.position]?.whyGone
    }
    unsafe forwarder.noteEnds()
    place = next ?? 0
    if next == nil { forgetLeaving() }
    if next != nil || isSweepWanted {
      sweeping?.start(after: Self.pause)
    } else {
      unsafe forwarder.sweepIsOver()
    }
  }

  private func forgetLeaving() {
    for index in leaving { unsafe forwarder.forget(index) }
    leaving = []
  }
}
