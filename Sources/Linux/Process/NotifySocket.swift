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
  ///
  /// - Parameter attached: a descriptor that it gets a copy of.
  public func send(_ text: String, _ attached: Socket? = nil) throws(Errno) {
    let bytes = Array(text.utf8)
    try checked(
      unsafe mh_notify(socket.descriptor, attached?.descriptor ?? -1, address, address.count, bytes, bytes.count))
  }

  /// Waits until the manager has read all that it was told (BARRIER=1, sd_notify_barrier(3)). What a process says just before
  /// its end is otherwise lost: the manager no longer finds out whose it was.
  ///
  /// - Throws: ETIMEDOUT when it has not in time, and as `send`.
  public func waitUntilRead(within limit: Nanoseconds) throws(Errno) {
    var ends: [Int32] = [-1, -1]
    try checked(unsafe mh_open_pipe(&ends))
    let ours = Socket(owning: ends[0])
    do {
      let theirs = Socket(owning: ends[1])
      try send("BARRIER=1", theirs)
    }
    // Readable when the manager has closed its copy, which is the last.
    if try !ours.waitUntilReadable(within: limit) { throw Errno(ETIMEDOUT) }
  }
}
