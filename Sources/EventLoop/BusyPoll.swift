import CUV
public import Linux

/// Keeps a loop looking at its sockets without a pause (uv_idle_t), until nothing has happened for a while: only then does
/// it sleep.
///
/// Costs one processor for that long, and saves whoever speaks next the way through sleep and back.
public final class BusyPoll: Handle {
  private let span: Nanoseconds
  private var end = Instant(nanoseconds: 0)
  private var isLooking = false

  /// Makes a busy poll that begins with the first `prolong(from:)`.
  ///
  /// - Parameter span: for how long the loop goes on looking after the last thing that happened, more than 0.
  /// - Throws: ENOMEM.
  public init(_ loop: Loop, for span: Nanoseconds) throws(Errno) {
    self.span = span
    try unsafe super.init(uv_idle_t.self) { unsafe uv_idle_init(loop.raw, $0) }
  }

  /// Something has happened: the loop does not sleep before the span is over, counted from then.
  public func prolong(from now: Instant) {
    end = now + span
    if isLooking || isClosing { return }
    isLooking = true
    unsafe uv_idle_start(rebound(uv_idle_t.self)) { handle in
      guard let data = unsafe handle?.pointee.data else { return }
      unsafe Unmanaged<BusyPoll>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.consider(.now) }
    }
  }

  private func consider(_ now: Instant) {
    if now < end { return }
    isLooking = false
    unsafe uv_idle_stop(rebound(uv_idle_t.self))
  }
}
