import CLinux
import Glibc

/// Owner of one socket's descriptor (socket(2)). The descriptor is closed when the last reference goes; whoever polls it
/// must have stopped by then, which `Readiness` sees to by holding one.
public final class Socket: Sendable {
  /// The descriptor; valid as long as this object lives.
  public let descriptor: Int32

  /// Takes over an open descriptor.
  public init(owning descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Opens a non-blocking, close-on-exec UDP socket of the address's family.
  ///
  /// - Throws: EMFILE, ENFILE, ENOBUFS, ENOMEM, or EAFNOSUPPORT where IPv6 is switched off.
  package convenience init(udpFor address: IPAddress) throws(Errno) {
    let family = address.isIPv4 ? AF_INET : AF_INET6
    let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    self.init(owning: try retrying { socket(family, type, 0) })
  }

  /// bind(2): from now on the socket receives what is sent to this endpoint.
  ///
  /// - Throws: EADDRINUSE, EADDRNOTAVAIL (not ours, or still in duplicate address detection), EACCES (a port that needs
  ///   CAP_NET_BIND_SERVICE), EINVAL (link-local without scope).
  package func bind(to endpoint: Endpoint) throws(Errno) {
    var address = SocketAddress(endpoint)
    let length = address.length
    try unsafe address.withPointer { pointer throws(Errno) in
      _ = try retrying { unsafe Glibc.bind(descriptor, pointer, length) }
    }
  }

  /// connect(2): the socket sends to, and receives from, this endpoint only.
  ///
  /// - Throws: ENETUNREACH, EACCES, EAGAIN (no ephemeral port is left), EINVAL.
  package func connect(to endpoint: Endpoint) throws(Errno) {
    var address = SocketAddress(endpoint)
    let length = address.length
    try unsafe address.withPointer { pointer throws(Errno) in
      _ = try retrying { unsafe Glibc.connect(descriptor, pointer, length) }
    }
  }

  /// getsockname(2): the endpoint that the socket is bound to.
  public func localEndpoint() throws(Errno) -> Endpoint {
    var address = SocketAddress()
    try unsafe address.withPointer { pointer throws(Errno) in
      var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
      _ = try retrying { unsafe getsockname(descriptor, pointer, &length) }
    }
    return address.endpoint
  }
}
