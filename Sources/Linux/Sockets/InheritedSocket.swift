import CLinux
import Glibc

/// Why a descriptor that somebody else has opened cannot be a listener.
public enum NotAListener: Error, Hashable, Sendable {
  /// Not a UDP socket of IPv4 or IPv6: a TCP socket, a pipe, nothing at all.
  case notUDP
  /// Bound to no port.
  case unbound
  /// Bound to every address: it would not know which of them was asked.
  case wildcard(Endpoint)
  /// Connected: it hears one peer alone.
  case connected(Endpoint)
}

/// Sockets that somebody else has opened and bound: a service manager, or the process that we take over from.
extension Socket {
  /// The endpoint that a datagram to this socket has asked, if it can be a listener (getsockopt(2), getsockname(2),
  /// getpeername(2)).
  public func endpointAsListener() throws(NotAListener) -> Endpoint {
    guard number(SO_DOMAIN) == AF_INET || number(SO_DOMAIN) == AF_INET6, number(SO_PROTOCOL) == Int32(IPPROTO_UDP)
    else { throw .notUDP }
    guard let endpoint = try? localEndpoint() else { throw .notUDP }
    if endpoint.port == 0 { throw .unbound }
    if endpoint.address.isWildcard { throw .wildcard(endpoint) }
    var peer = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let isConnected = unsafe withUnsafeMutablePointer(to: &peer) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getpeername(descriptor, $0, &size) == 0
      }
    }
    if isConnected { throw .connected(endpoint) }
    return endpoint
  }

  /// Makes a bound UDP socket of somebody else's what our own listeners are: it does not block, no child inherits it, and it
  /// tells all that a listener must know. Whoever else holds the socket gets the same, but for the inheritance.
  ///
  /// - Throws: EBADF; what is required and refused.
  public func becomeInheritedListener() throws(Errno) {
    closeOnExec()
    let flags = try retrying { fcntl(descriptor, F_GETFL) }
    try retrying { fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) }
    try askForAll(isIPv4: number(SO_DOMAIN) == AF_INET)
  }

  /// No child inherits it from now on (FD_CLOEXEC, fcntl(2)).
  public func closeOnExec() { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }

  /// Another descriptor for the same socket (F_DUPFD_CLOEXEC, fcntl(2)): the socket lives, and its port is taken, as long as
  /// either does.
  ///
  /// - Throws: EMFILE.
  public func duplicate() throws(Errno) -> Socket {
    Socket(owning: try retrying { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) })
  }

  /// Throws away what waits to be received: 4 million datagrams at most, which is more than any queue holds.
  public func discardReceived() {
    var byte: UInt8 = 0
    for _ in 0..<4_000_000 {
      if unsafe recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT)) < 0, Errno.current == .again { return }
    }
  }

  /// A UDP socket that hears nothing, for it is bound to nothing: what a worker gets that has no part in a listener.
  ///
  /// - Throws: EMFILE.
  public static func deaf(for address: IPAddress) throws(Errno) -> Socket { try Socket(udpFor: address) }

  private func number(_ name: Int32) -> Int32? {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return unsafe getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
  }
}
