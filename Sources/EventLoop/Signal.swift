import CUV
import Glibc
public import Linux

/// A signal, as an event of a loop (uv_signal_t).
public final class Signal: Handle {
  /// The signals that we listen to (signal(7)).
  public enum Kind: Int32, Sendable {
    /// SIGTERM: end in good order.
    case terminate = 15
    /// SIGINT: the same from a terminal.
    case interrupt = 2
    /// SIGHUP: look at everything again.
    case hangUp = 1
    /// SIGUSR1: write the counters.
    case user1 = 10
    /// SIGUSR2: hand everything over to a new process.
    case user2 = 12
    /// SIGWINCH: the terminal has another size.
    case windowChange = 28
  }

  private let action: () -> Void

  /// Listens to a signal; its default action is off from now on.
  ///
  /// - Throws: EMFILE for a process's first one.
  public init(_ loop: Loop, _ kind: Kind, _ action: @escaping () -> Void) throws(Errno) {
    self.action = action
    try unsafe super.init(uv_signal_t.self) { unsafe uv_signal_init(loop.raw, $0) }
    let status = unsafe uv_signal_start(
      rebound(uv_signal_t.self),
      { handle, _ in
        guard let data = unsafe handle?.pointee.data else { return }
        unsafe Unmanaged<Signal>.fromOpaque(data).takeUnretainedValue().action()
      }, kind.rawValue)
    guard status == 0 else {
      close()
      throw Errno(-status)
    }
  }
}
