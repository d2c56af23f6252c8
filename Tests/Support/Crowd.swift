import CSupport
import Glibc
public import Linux

/// Very many clients, each with an IPv4 address of its own, on one socket. Each datagram says whose it is, so that one
/// that is delivered to somebody else is noticed.
public final class Crowd: @unchecked Sendable {
  /// What to send.
  public struct Order: Sendable {
    /// The number of the first client, and how many there are behind it.
    public var first = 0
    /// How many clients send.
    public var clients = 1
    /// How many datagrams each of them sends, one after the other.
    public var each = 1
    /// Bytes of each datagram, 12 to 2,048.
    public var size = 32
    /// What the service is to do. The delay is for every `lateEvery`th datagram only.
    public var request = ServiceProgram.Request()
    /// Which replies are delayed: every so manieth, 1 for all.
    public var lateEvery = 1

    /// One datagram of the first client, changed in some way.
    public init(_ change: (inout Order) -> Void = { _ in }) { change(&self) }
  }

  private let socket: Socket
  private let base: UInt32
  private let asked: Endpoint
  private var tally = mhs_crowd_tally()
  private var number: UInt32 = 0

  /// Brings a crowd together.
  ///
  /// - Parameters:
  ///   - namespace: where; all its addresses must be local there: `ip route add local BLOCK dev lo`.
  ///   - base: the first client's address.
  ///   - port: from which all of them send.
  ///   - asked: whom they ask.
  public init(in namespace: NetworkNamespace, from base: IPAddress, port: UInt16, asking asked: Endpoint) throws(Errno)
  {
    socket = try namespace.run { () throws(Errno) in
      let socket = try Socket(udpFor: .anyIPv4)
      try check(mhs_crowd_prepare(socket.descriptor))
      try check(mhs_receive_buffer(socket.descriptor, 8 << 20))
      try socket.bind(to: Endpoint(.anyIPv4, port))
      return socket
    }
    self.base = base.v4
    self.asked = asked
  }

  /// Datagrams sent.
  public private(set) var sent = 0
  /// Replies that came to whoever asked.
  public var own: Int { Int(tally.own) }
  /// Whatever else came.
  public var foreign: Int { Int(tally.foreign) }

  /// Sends.
  ///
  /// - Throws: what sendmmsg(2) throws.
  public func send(_ order: Order) throws(Errno) {
    let result = mhs_crowd_send(
      socket.descriptor, asked.address.v4, asked.port,
      mhs_crowd_order(
        first: base + UInt32(order.first), clients: UInt32(order.clients), each: UInt32(order.each), number: number,
        size: UInt32(order.size), replies: order.request.replies, delay: order.request.delay,
        reply_size: order.request.replySize, late_every: UInt32(order.lateEvery)))
    try check(Int32(result))
    number &+= UInt32(order.clients * order.each)
    sent += order.clients * order.each
  }

  /// Takes what waits.
  ///
  /// - Throws: what recvmmsg(2) throws.
  public func receive() throws(Errno) {
    while true {
      let count = unsafe mhs_crowd_receive(socket.descriptor, asked.address.v4, asked.port, &tally)
      try check(Int32(count))
      if count == 0 { return }
    }
  }

  /// Receives until so many replies have come to whoever asked.
  ///
  /// - Throws: `TestFailure` when fewer come in time.
  public func receive(
    own wanted: Int, within limit: Nanoseconds = .seconds(10), file: StaticString = #fileID, line: UInt = #line
  ) throws {
    let end = Instant.now + limit
    try receive()
    while own < wanted {
      if Instant.now >= end {
        throw TestFailure("only \(own) of \(wanted) replies, \(foreign) foreign", file: file, line: line)
      }
      var entry = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
      _ = unsafe poll(&entry, 1, 100)
      try receive()
    }
  }
}

extension NetworkNamespace {
  /// Sends a datagram from here whose source is a lie (raw(7)). Needs CAP_NET_RAW.
  ///
  /// - Parameters:
  ///   - bytes: at most 1,900.
  ///   - source: any endpoint of the destination's family.
  /// - Throws: what sendto(2) throws.
  public func forge(_ bytes: [UInt8], from source: Endpoint, to destination: Endpoint) throws(Errno) {
    try run { () throws(Errno) in
      var from = mhs_endpoint(source)
      var to = mhs_endpoint(destination)
      try check(unsafe mhs_forge(&from, &to, bytes, bytes.count))
    }
  }
}
