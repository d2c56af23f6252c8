import CUV
public import Linux

/// Tells when a socket is readable (uv_poll_t). Override `becameReadable()`.
///
/// A subclass, not a closure, so that the way from epoll to the data plane retains nothing.
///
/// The socket must have SO_SELECT_ERR_QUEUE: otherwise libuv stops polling it at the first ICMP error. With that option
/// the error shows as priority data, which is polled for, too; the next receive clears it.
open class Readiness: Handle {
  /// The socket; it stays open at least as long as it is polled.
  public let socket: Socket

  /// Prepares to poll a socket; `start()` begins. A descriptor can have one `Readiness` only.
  ///
  /// - Throws: EEXIST when the descriptor is polled already, ENOMEM.
  public init(_ loop: Loop, _ socket: Socket) throws(Errno) {
    self.socket = socket
    try unsafe super.init(uv_poll_t.self) { unsafe uv_poll_init(loop.raw, $0, socket.descriptor) }
  }

  /// Begins to poll.
  public func start() {
    let events = Int32(UV_READABLE.rawValue | UV_PRIORITIZED.rawValue)
    unsafe uv_poll_start(rebound(uv_poll_t.self), events) { handle, _, _ in
      guard let data = unsafe handle?.pointee.data else { return }
      unsafe Unmanaged<Readiness>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.becameReadable() }
    }
  }

  /// Stops polling; `start()` begins again.
  public func stop() {
    unsafe uv_poll_stop(rebound(uv_poll_t.self))
  }

  /// Called whenever there is something to read, or an error to clear. Called again as long as there is.
  open func becameReadable() {}
}
