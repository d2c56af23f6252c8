import CUV
public import Linux

/// A one-shot timer (uv_timer_t), exact to the millisecond and never early.
public final class Timer: Handle {
  private let action: () -> Void

  /// Makes a timer that does nothing until `start(after:)`.
  ///
  /// - Throws: ENOMEM.
  public init(_ loop: Loop, _ action: @escaping () -> Void) throws(Errno) {
    self.action = action
    try unsafe super.init(uv_timer_t.self) { unsafe uv_timer_init(loop.raw, $0) }
  }

  /// Fires once, so much later. A timer that was running is set anew.
  public func start(after delay: Nanoseconds) {
    if isClosing { return }
    let timer = unsafe rebound(uv_timer_t.self)
    // libuv counts from the beginning of the loop's turn, which may lie some time back.
    unsafe uv_update_time(timer.pointee.loop)
    unsafe uv_timer_start(
      timer,
      { handle in
        guard let data = unsafe handle?.pointee.data else { return }
        unsafe Unmanaged<Timer>.fromOpaque(data).takeUnretainedValue().action()
      }, delay.millisecondsRoundedUp, 0)
  }

  /// Will not fire until it is started again.
  public func stop() {
    unsafe uv_timer_stop(rebound(uv_timer_t.self))
  }

  /// Whether it will fire.
  public var isRunning: Bool { unsafe uv_is_active(raw) != 0 }
}
