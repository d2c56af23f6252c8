import CUV
public import Linux

/// Calls a loop from another thread (uv_async_t): the one thing of a loop that any thread may touch.
///
/// Several calls may end in one wake-up. `send()` must not be called any more once the loop has begun to close.
public final class Wakeup: Handle, @unchecked Sendable {
  private let action: () -> Void

  /// - Parameter action: what the loop's thread does when it is called.
  /// - Throws: EMFILE for a loop's first one.
  public init(_ loop: Loop, _ action: @escaping () -> Void) throws(Errno) {
    self.action = action
    try unsafe super.init(uv_async_t.self) { async in
      unsafe uv_async_init(loop.raw, async) { handle in
        guard let data = unsafe handle?.pointee.data else { return }
        unsafe Unmanaged<Wakeup>.fromOpaque(data).takeUnretainedValue().action()
      }
    }
  }

  /// Wakes the loop up. From any thread.
  public func send() {
    unsafe uv_async_send(rebound(uv_async_t.self))
  }
}
