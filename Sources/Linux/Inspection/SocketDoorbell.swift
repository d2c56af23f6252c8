import CLinux
import Glibc

/// A netlink socket that rings whenever a UDP socket with a certain local port is gone: when its last descriptor, in
/// whatever process, was closed (sock_diag(7), SKNLGRP_INET_UDP_DESTROY).
///
/// It rings a little before a pidfd of the holder becomes readable (measured: 3 µs), and also when a process closes its
/// socket and goes on, or ends and leaves it to a child. What the message says is not read: whoever is rung looks.
public struct SocketDoorbell: Sendable {
  /// The socket to poll for readability.
  public let socket: Socket
  private let port: UInt16

  /// Opens the doorbell; from now on no end is missed. Needs no privilege.
  ///
  /// - Throws: EMFILE, EPERM where a sandbox forbids netlink, or ENOENT where the kernel lacks udp_diag.
  public init(port: UInt16) throws(Errno) {
    let descriptor = mh_open_socket_doorbell(port)
    if descriptor < 0 { throw Errno(-descriptor) }
    socket = Socket(owning: descriptor)
    self.port = port
  }

  /// From now on it rings for these sockets alone, whatever others do on the port; nil: for all of them again.
  ///
  /// Whoever limits it looks once afterwards: an end in between rings no more.
  public func limit(to cookies: [UInt64]?) {
    let cookies = cookies ?? []
    _ = unsafe mh_limit_socket_doorbell(socket.descriptor, port, cookies, cookies.count)
  }

  /// Reads everything that waits. Messages that were lost (ENOBUFS) are rings, too.
  ///
  /// - Returns: how many messages waited.
  @discardableResult
  public func drain() -> Int {
    var byte: UInt8 = 0
    var messages = 0
    while true {
      // Cut off on purpose: what it says does not matter.
      let size = unsafe recv(socket.descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_TRUNC))
      if size >= 0 { messages += 1 } else if errno != EINTR, errno != ENOBUFS { return messages }
    }
  }
}
