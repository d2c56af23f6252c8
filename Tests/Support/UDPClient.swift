import CSupport
import Glibc
public import Linux

/// A UDP socket as a simple client, or a careful service, has it.
public final class UDPClient: Sendable {
  /// One received message: a datagram, or a train of them where trains are asked for.
  public struct Message: Hashable, Sendable {
    /// What it carries.
    public let bytes: [UInt8]
    /// Who sent it.
    public let from: Endpoint
    /// Bytes of each datagram but the last in a train; 0 when this is one datagram.
    public let segmentSize: Int
    /// DSCP and ECN.
    public let trafficClass: UInt8
    /// TTL or hop limit as it arrived.
    public let hopLimit: UInt8
    /// Whether the kernel cut something off.
    public let isTruncated: Bool

    /// The datagrams, in order.
    public var datagrams: [[UInt8]] {
      guard segmentSize > 0, bytes.count > segmentSize else { return [bytes] }
      return stride(from: 0, to: bytes.count, by: segmentSize).map {
        Array(bytes[$0..<min($0 + segmentSize, bytes.count)])
      }
    }
  }

  let socket: Socket

  /// Opens a socket.
  ///
  /// - Parameters:
  ///   - namespace: where; nil for ours.
  ///   - source: what it is bound to; nil leaves address and port to the kernel.
  ///   - peer: what it is connected to; nil leaves it unconnected.
  ///   - receivesTrains: UDP_GRO: trains arrive as one message.
  ///   - receiveBuffer: SO_RCVBUF in bytes; nil leaves the kernel's default.
  /// - Throws: what socket(2), bind(2), connect(2) and setns(2) throw. With neither source nor peer it is an IPv4 socket.
  public init(
    in namespace: NetworkNamespace? = nil, from source: Endpoint? = nil, to peer: Endpoint? = nil,
    receivesTrains: Bool = false, receiveBuffer: Int32? = nil
  ) throws(Errno) {
    let address = (source ?? peer)?.address ?? .anyIPv4
    let open = { @Sendable () throws(Errno) in
      let socket = try Socket(udpFor: address)
      try check(mhs_tell_all(socket.descriptor, address.isIPv4 ? 1 : 0, receivesTrains ? 1 : 0))
      if let receiveBuffer { try check(mhs_receive_buffer(socket.descriptor, receiveBuffer)) }
      if let source { try socket.bind(to: source) }
      if let peer { try socket.connect(to: peer) }
      return socket
    }
    if let namespace { socket = try namespace.run(open) } else { socket = try open() }
  }

  /// The endpoint that it sends from, as far as it is known.
  public func localEndpoint() throws(Errno) -> Endpoint { try socket.localEndpoint() }

  /// Sends a datagram, or with a segment size a train of them (UDP_SEGMENT).
  ///
  /// - Parameters:
  ///   - peer: to whom; nil on a connected socket.
  ///   - trafficClass: DSCP and ECN; 0 leaves it to the kernel.
  ///   - hopLimit: TTL or hop limit; 0 leaves it to the kernel.
  /// - Throws: what sendmsg(2) throws; ECONNREFUSED tells of an earlier datagram.
  public func send(
    _ bytes: [UInt8], to peer: Endpoint? = nil, segmentSize: Int = 0, trafficClass: UInt8 = 0, hopLimit: UInt8 = 0
  ) throws(Errno) {
    let beside = mhs_beside(
      segment_size: Int32(segmentSize), traffic_class: Int32(trafficClass), hop_limit: Int32(hopLimit), truncated: 0)
    // Never empty, so that there is always an address to give.
    let memory = bytes.isEmpty ? [0] : bytes
    if let peer {
      var to = mhs_endpoint(peer)
      try check(unsafe mhs_send(socket.descriptor, &to, memory, bytes.count, beside))
    } else {
      try check(unsafe mhs_send(socket.descriptor, nil, memory, bytes.count, beside))
    }
  }

  /// Sends a text.
  public func send(_ text: String, to peer: Endpoint? = nil) throws(Errno) { try send([UInt8](text.utf8), to: peer) }

  /// Waits for a message.
  ///
  /// - Returns: nil when none came in time.
  /// - Throws: a pending error: ECONNREFUSED for an ICMP port unreachable.
  public func receive(within limit: Nanoseconds = .seconds(2)) throws(Errno) -> Message? {
    let end = Instant.now + limit
    while true {
      if let message = try receiveNow() { return message }
      guard try wait(until: end) else { return nil }
    }
  }

  /// Sends a datagram and waits for one message.
  public func ask(
    _ bytes: [UInt8], of peer: Endpoint? = nil, within limit: Nanoseconds = .seconds(2)
  ) throws(Errno) -> Message? {
    try send(bytes, to: peer)
    return try receive(within: limit)
  }

  /// Sends a text and waits for one message.
  public func ask(
    _ text: String, of peer: Endpoint? = nil, within limit: Nanoseconds = .seconds(2)
  ) throws(Errno) -> Message? {
    try ask([UInt8](text.utf8), of: peer, within: limit)
  }

  /// What waits, or nil.
  func receiveNow() throws(Errno) -> Message? {
    let size = 65_536
    var from = mhs_endpoint()
    var beside = mhs_beside()
    var result = 0
    let descriptor = socket.descriptor
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      guard let base = buffer.baseAddress else { return }
      result = unsafe mhs_receive(descriptor, &from, base, size, &beside)
      count = max(0, result)
    }
    if result == -Int(EAGAIN) { return nil }
    if result < 0 { throw Errno(Int32(-result)) }
    return Message(
      bytes: bytes, from: from.endpoint, segmentSize: Int(beside.segment_size),
      trafficClass: UInt8(truncatingIfNeeded: beside.traffic_class),
      hopLimit: UInt8(truncatingIfNeeded: beside.hop_limit), isTruncated: beside.truncated != 0)
  }

  private func wait(until end: Instant) throws(Errno) -> Bool {
    let left = end - Instant.now
    guard left.count > 0 else { return false }
    var entry = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
    let ready = unsafe poll(&entry, 1, Int32(clamping: left.millisecondsRoundedUp))
    if ready < 0, errno != EINTR { throw Errno(errno) }
    return true
  }
}

/// Turns minus an errno into an error.
func check(_ result: Int32) throws(Errno) {
  if result < 0 { throw Errno(-result) }
}

extension mhs_endpoint {
  init(_ endpoint: Endpoint) {
    self.init()
    let address = endpoint.address
    port = endpoint.port
    scope = address.scope
    is_ipv4 = address.isIPv4 ? 1 : 0
    unsafe withUnsafeMutableBytes(of: &self.address) { bytes in
      if address.isIPv4 {
        unsafe bytes.storeBytes(of: address.v4.bigEndian, as: UInt32.self)
      } else {
        unsafe bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
        unsafe bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
    }
  }

  var endpoint: Endpoint {
    let (high, low) = unsafe withUnsafeBytes(of: address) { bytes in
      unsafe (
        UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
    if is_ipv4 != 0 { return Endpoint(IPAddress(v4: UInt32(truncatingIfNeeded: high >> 32)), port) }
    return Endpoint(IPAddress(v6: high, low, scope: scope), port)
  }
}
