/// What one received message is, beside its bytes: one datagram, or a GRO train of them.
@frozen
public struct ReceivedMessage: BitwiseCopyable, Sendable {
  /// Who sent it.
  public var peer: Endpoint
  /// Bytes of payload; 0 is a datagram, too.
  public var length: Int32
  /// Bytes of each datagram but the last in a GRO train; 0 when the message is one datagram.
  public var segmentSize: Int32
  /// The IPv4 address that it was sent to, on a socket that tells it; otherwise 0.
  public var destination: UInt32
  /// DSCP and ECN (RFC 2474, RFC 3168).
  public var trafficClass: UInt8
  /// TTL or hop limit; 0 when the socket does not tell it.
  public var hopLimit: UInt8
  /// Whether the kernel cut bytes or control messages off (MSG_TRUNC, MSG_CTRUNC).
  public var isTruncated: Bool

  /// A message in all its parts.
  @inlinable
  public init(
    peer: Endpoint, length: Int32, segmentSize: Int32 = 0, destination: UInt32 = 0, trafficClass: UInt8 = 0,
    hopLimit: UInt8 = 64, isTruncated: Bool = false
  ) {
    self.peer = peer
    self.length = length
    self.segmentSize = segmentSize
    self.destination = destination
    self.trafficClass = trafficClass
    self.hopLimit = hopLimit
    self.isTruncated = isTruncated
  }

  /// How many datagrams the message holds.
  @inlinable
  public var datagrams: Int32 {
    segmentSize > 0 && length > segmentSize ? (length &+ segmentSize &- 1) / segmentSize : 1
  }
}

/// The messages of one batch, by slot.
@frozen
public struct ReceivedMessages: ~Copyable {
  /// How many messages a batch holds at most. 64 keep a batch's headers within the first-level cache, and the system
  /// call's own cost under 2 % of the work it does.
  public static let capacity = 64

  /// How many there are, 0 to `capacity`.
  @inlinable public var count: Int { filled }
  @usableFromInline var filled = 0

  @usableFromInline
  var storage = FixedArray(
    repeating: ReceivedMessage(peer: Endpoint(.anyIPv6, 0), length: 0), count: ReceivedMessages.capacity)

  /// None.
  public init() {}

  /// The message in a slot below `count`.
  @inlinable
  public subscript(slot: Int) -> ReceivedMessage { storage[slot] }

  /// Forgets all messages.
  @inlinable
  public mutating func removeAll() { filled = 0 }

  /// Puts a message into the next slot; there must be room.
  @inlinable
  public mutating func append(_ message: ReceivedMessage) {
    storage[filled] = message
    filled &+= 1
  }
}
