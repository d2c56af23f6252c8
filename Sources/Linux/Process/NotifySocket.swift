import CLinux
import Glibc

/// Where a service manager is told how things stand: a Unix datagram socket of its own (sd_notify(3), unix(7)).
public struct NotifySocket: Sendable {
  private let socket: Socket
  private let address: [UInt8]

  /// A socket to tell it by. Nothing is sent yet.
  ///
  /// - Parameter address: a path, or `@` and an abstract name.
  /// - Throws: EMFILE; ENAMETOOLONG for an address of more than 107 bytes.
  public init(_ address: String) throws(Errno) {
    self.address = Array(address.utf8)
    guard self.address.count < 108 else { throw Errno(ENAMETOOLONG) }
    socket = Socket(owning: try checked(mh_open_notifier()))
  }

  /// Tells the manager something: assignments, one a line. Waits a fifth of a second at most when it does not read.
  ///
  /// - Throws: ENOENT, ECONNREFUSED or EACCES when there is nobody; EAGAIN when it has not read in time.
  public func send(_ text: String) throws(Errno) {
    let bytes = Array(text.utf8)
    try checked(unsafe mh_notify(socket.descriptor, address, address.count, bytes, bytes.count))
  }
}
