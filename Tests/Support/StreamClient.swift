import Glibc
public import Linux

/// A client of a TCP or Unix stream socket, as simple as can be: what it does waits, 10 seconds at most.
public final class StreamClient: Sendable {
  private let descriptor: Int32

  /// Connects.
  ///
  /// - Parameters:
  ///   - namespace: the network namespace that it connects in; nil for ours.
  ///   - source: its own address, of IPv4; nil for the usual one.
  ///   - receiveBuffer: SO_RCVBUF, in bytes; nil for the usual one.
  /// - Throws: every errno of connect(2); EAGAIN and EINPROGRESS when that takes too long.
  public init(
    to place: ListeningSocket.Place, in namespace: NetworkNamespace? = nil, from source: IPAddress? = nil,
    receiveBuffer: Int32? = nil
  ) throws(Errno) {
    guard let namespace else {
      descriptor = try Self.connect(to: place, source, receiveBuffer)
      return
    }
    descriptor = try namespace.run { () throws(Errno) in try Self.connect(to: place, source, receiveBuffer) }
  }

  deinit { close(descriptor) }

  private static func connect(
    to place: ListeningSocket.Place, _ source: IPAddress?, _ receiveBuffer: Int32?
  ) throws(Errno) -> Int32 {
    let family =
      switch place {
      case .network(let endpoint): endpoint.address.isIPv4 ? AF_INET : AF_INET6
      case .file: AF_UNIX
      }
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    if descriptor < 0 { throw Errno(errno) }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    for name in [SO_RCVTIMEO, SO_SNDTIMEO] {
      unsafe setsockopt(descriptor, SOL_SOCKET, name, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    if var size = receiveBuffer {
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    let status = bind(descriptor, to: source) == 0 ? connect(descriptor, to: place) : -1
    if status == 0 { return descriptor }
    let error = Errno(errno)
    close(descriptor)
    throw error
  }

  private static func bind(_ descriptor: Int32, to source: IPAddress?) -> Int32 {
    guard let source else { return 0 }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = source.v4.bigEndian
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func connect(_ descriptor: Int32, to place: ListeningSocket.Place) -> Int32 {
    switch place {
    case .network(let endpoint) where endpoint.address.isIPv4:
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = endpoint.port.bigEndian
      address.sin_addr.s_addr = endpoint.address.v4.bigEndian
      return connect(descriptor, address)
    case .network(let endpoint):
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = endpoint.port.bigEndian
      address.sin6_scope_id = endpoint.address.scope
      _ = unsafe inet_pton(AF_INET6, "\(endpoint.address.scoped(0))", &address.sin6_addr)
      return connect(descriptor, address)
    case .file(let path):
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
      return connect(descriptor, address)
    }
  }

  private static func connect<Address>(_ descriptor: Int32, _ address: Address) -> Int32 {
    unsafe withUnsafeBytes(of: address) { bytes in
      guard let start = bytes.baseAddress else { return -1 }
      return unsafe Glibc.connect(
        descriptor, start.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<Address>.size))
    }
  }

  /// Sends it all.
  ///
  /// - Returns: whether the other end took it; false when it has closed the connection.
  @discardableResult
  public func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = rest
      let sent = unsafe piece.withUnsafeBytes {
        unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if sent <= 0 { return false }
      rest = rest.dropFirst(sent)
    }
    return true
  }

  /// Sends a text.
  @discardableResult
  public func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  /// Says that nothing more comes from here.
  public func finish() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

  /// Takes what there is, up to so many bytes; empty at the end, after a reset, and when nothing comes in time.
  public func receive(atMost limit: Int = 65_536) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? Array(buffer.prefix(count)) : []
  }

  /// Takes all that comes, up to the end.
  public func receiveAll() -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let piece = receive()
      if piece.isEmpty { return bytes }
      bytes += piece
    }
  }

  /// Whether the other end has closed the connection, or does so in time; what it sends before is thrown away.
  public func isClosed(within limit: Nanoseconds) -> Bool {
    let end = Instant.now + limit
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let left = end - .now
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&entry, 1, Int32(clamping: left.millisecondsRoundedUp)) > 0 else { return false }
      if unsafe recv(descriptor, &buffer, buffer.count, 0) <= 0 { return true }
    }
  }

  /// Whether the other end has closed the connection, whatever still waits to be read here (POLLHUP, poll(2)). Of a Unix
  /// socket only: TCP does not tell before all is read.
  public var hasHungUp: Bool {
    var entry = pollfd(fd: descriptor, events: 0, revents: 0)
    return unsafe poll(&entry, 1, 0) > 0 && entry.revents & Int16(POLLHUP) != 0
  }
}
