import CUV
public import Linux

/// Tells when a turn of the loop has called everybody whose socket was readable (uv_check_t). Override `turnEnded()`.
///
/// It keeps no loop awake: a turn comes only when something else happens.
open class TurnEnd: Handle {
  /// Prepares to be told; `start()` begins.
  ///
  /// - Throws: ENOMEM.
  public init(_ loop: Loop) throws(Errno) {
    try unsafe super.init(uv_check_t.self) { unsafe uv_check_init(loop.raw, $0) }
  }

  /// Begins to tell.
  public func start() {
    unsafe uv_check_start(rebound(uv_check_t.self)) { handle in
      guard let data = unsafe handle?.pointee.data else { return }
      unsafe Unmanaged<TurnEnd>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.turnEnded() }
    }
  }

  /// Called at the end of each turn, before any timer.
  open func turnEnded() {}
}
