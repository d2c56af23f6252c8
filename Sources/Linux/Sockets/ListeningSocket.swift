import Glibc

/// A stream socket that waits for clients: TCP (tcp(7)) or of this host alone (unix(7)).
public final class ListeningSocket: Sendable {
  /// Where clients find it.
  public enum Place: Hashable, Sendable {
    /// An address and a port of this host. An IPv6 wildcard takes no IPv4 clients.
    case network(Endpoint)
    /// A file of the file system.
    case file(String)
  }

  /// Clients that have not been accepted yet: as many as net.core.somaxconn allows by default before Linux 5.4.
  private static let backlog: Int32 = 128

  /// Where.
  public let place: Place
  /// It is non-blocking.
  public let socket: Socket
  private let file: SocketFile?

  /// Listens on a TCP port.
  ///
  /// - Throws: EADDRINUSE, EADDRNOTAVAIL (not an address of this host), EACCES (a port that needs CAP_NET_BIND_SERVICE),
  ///   EAFNOSUPPORT, EMFILE.
  public init(on endpoint: Endpoint) throws(Errno) {
    let family = endpoint.address.isIPv4 ? AF_INET : AF_INET6
    socket = try Socket(streamOf: family)
    // For TCP this lets nobody in beside us; it passes over connections of an earlier process that are not forgotten yet.
    try socket.apply([SocketOption(SOL_SOCKET, SO_REUSEADDR, 1, .required)])
    if family == AF_INET6 { try socket.apply([.v6Only]) }
    try socket.bind(to: endpoint)
    try socket.listen(Self.backlog)
    file = nil
    // The port that was chosen, where it was given as 0.
    place = .network(try socket.localEndpoint())
  }

  /// Listens on a Unix socket. A file that an earlier process has left there is replaced.
  ///
  /// - Parameters:
  ///   - path: 1 to 107 bytes, and beginning with /.
  ///   - mode: who may connect: write permission counts (chmod(2)).
  /// - Throws: EADDRINUSE when somebody listens on it, ENOTSOCK when something else is there, ENAMETOOLONG, ENOENT and
  ///   ENOTDIR for its folder, EACCES, EROFS, ENOSPC, EMFILE.
  public init(at path: String, mode: UInt32) throws(Errno) {
    socket = try Socket(streamOf: AF_UNIX)
    let address = try UnixAddress(path)
    do throws(Errno) { try socket.bind(to: address) } catch .addressInUse {
      try address.removeStale()
      try socket.bind(to: address)
    }
    file = SocketFile(path)
    // Before anybody can connect, which is from listen(2) on.
    do throws(Errno) {
      try retrying { unsafe chmod(path, mode) }
      try socket.listen(Self.backlog)
    } catch {
      file?.remove()
      throw error
    }
    place = .file(path)
  }

  /// Removes the file, if it has one. The socket is closed when nobody has it any more.
  public func close() { file?.remove() }
}

extension ListeningSocket.Place: CustomStringConvertible {
  /// `127.0.0.1:9478` or `unix:/run/multihomed/metrics.sock`
  public var description: String {
    switch self {
    case .network(let endpoint): endpoint.description
    case .file(let path): "unix:\(path)"
    }
  }
}

extension Socket {
  /// Another descriptor for what a descriptor is for, to be polled beside it, and closed in its own time (fcntl(2)).
  ///
  /// - Throws: EMFILE.
  public convenience init(duplicating descriptor: Int32) throws(Errno) {
    self.init(owning: try retrying { fcntl(descriptor, F_DUPFD_CLOEXEC, 3) })
  }

  /// Ends what goes through a connection, both ways, though its descriptor stays (shutdown(2)). One that has ended already
  /// is passed over.
  public static func shutDown(_ descriptor: Int32) { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

  fileprivate convenience init(streamOf family: Int32) throws(Errno) {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    self.init(owning: try retrying { Glibc.socket(family, type, 0) })
  }

  fileprivate func listen(_ backlog: Int32) throws(Errno) {
    _ = try retrying { Glibc.listen(descriptor, backlog) }
  }

  fileprivate func bind(to address: UnixAddress) throws(Errno) {
    try unsafe address.withPointer { pointer, length throws(Errno) in
      _ = try retrying { unsafe Glibc.bind(descriptor, pointer, length) }
    }
  }
}
