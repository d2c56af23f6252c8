import CLinux
import Glibc

/// What takes a socket's place when it must be closed at once, whoever is using it. Made beforehand, so that no lack of
/// descriptors can come in between.
public struct Retirement: Sendable {
  /// Never readable, and refuses whatever is sent to an address (EINVAL): a thread that still works with the descriptor
  /// goes on, in vain, until it is told.
  private let standIn: Socket
  /// Holds nothing. Not `()`: of a value without a size, a thread sanitizer takes its neighbours for it.
  private static let exclusion = Guarded(false)

  /// Makes the stand-in.
  ///
  /// - Throws: EMFILE.
  public init() throws(Errno) {
    let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    standIn = Socket(owning: try retrying { Glibc.socket(AF_UNIX, type, 0) })
  }

  /// Closes what is behind the socket's descriptor, from any thread: when this returns, its port is free, unless somebody
  /// else holds a copy. The descriptor itself stays open until the socket's last reference goes.
  public func retire(_ socket: Socket) {
    Self.exclusion.withLock { _ in _ = mh_replace(socket.descriptor, standIn.descriptor) }
  }

  /// Does something during which no socket may change into another: `uv_poll_init` adds it to epoll and removes it again,
  /// and ends the process when it is not there any more in between.
  public static func putOff<Value>(during body: () throws(Errno) -> Value) throws(Errno) -> Value {
    try exclusion.withLock { _ throws(Errno) in try body() }
  }
}
