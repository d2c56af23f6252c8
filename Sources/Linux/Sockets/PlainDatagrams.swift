import Glibc

/// One datagram at a time, as simple programs have it. The data plane does not use these: it has batches.
extension Socket {
  /// A UDP socket in another namespace, bound to an endpoint there.
  ///
  /// - Throws: what `NetworkNamespace.enter()` and bind(2) throw.
  public static func bound(to endpoint: Endpoint, in namespace: NetworkNamespace) throws(Errno) -> Socket {
    try namespace.run { () throws(Errno) in
      let socket = try Socket(udpFor: endpoint.address)
      try socket.bind(to: endpoint)
      return socket
    }
  }

  /// Whether the socket is readable (or has an error or its end to report), or will be in time (poll(2)).
  ///
  /// - Throws: ENOMEM.
  public func waitUntilReadable(within limit: Nanoseconds) throws(Errno) -> Bool {
    try Socket.waitUntilReadable([self], within: limit)
  }

  /// Whether one of the sockets is readable, or will be in time.
  ///
  /// - Throws: ENOMEM.
  public static func waitUntilReadable(_ sockets: [Socket], within limit: Nanoseconds) throws(Errno) -> Bool {
    var entries = sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    let count = nfds_t(entries.count)
    let milliseconds = Int32(clamping: limit.millisecondsRoundedUp)
    return try retrying { unsafe poll(&entries, count, milliseconds) } > 0
  }

  /// Takes the next datagram, with its sender; nil when none waits (recvfrom(2)).
  ///
  /// - Throws: ECONNREFUSED and the like when an ICMP error was waiting.
  public func receive() throws(Errno) -> (bytes: [UInt8], from: Endpoint)? {
    // The largest UDP datagram.
    var bytes = [UInt8](repeating: 0, count: 65_535)
    var address = SocketAddress()
    do throws(Errno) {
      let length = try unsafe address.withPointer { pointer throws(Errno) in
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        return try retrying {
          Int32(clamping: unsafe recvfrom(descriptor, &bytes, bytes.count, 0, pointer, &size))
        }
      }
      return (Array(bytes.prefix(Int(length))), address.endpoint)
    } catch {
      guard error == .again else { throw error }
      return nil
    }
  }

  /// Sends a datagram to an endpoint, or, from a connected socket, to nil (sendto(2)).
  ///
  /// - Throws: every errno of sendto(2).
  public func send(_ bytes: [UInt8], to endpoint: Endpoint? = nil) throws(Errno) {
    guard let endpoint else {
      try retrying { Int32(clamping: unsafe Glibc.send(descriptor, bytes, bytes.count, 0)) }
      return
    }
    var address = SocketAddress(endpoint)
    let size = address.length
    try unsafe address.withPointer { pointer throws(Errno) in
      _ = try retrying { Int32(clamping: unsafe sendto(descriptor, bytes, bytes.count, 0, pointer, size)) }
    }
  }
}
