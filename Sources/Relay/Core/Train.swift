package import Linux

/// Datagrams of one session that leave in one system call: one, or several of one size as a GSO train.
package struct Train: BitwiseCopyable {
  package let session: SessionIndex
  let generation: UInt32
  /// The listener on which the client asked.
  package let listener: ListenerIndex
  /// Towards a client: who it is.
  package let client: Endpoint
  /// Towards the backend: the number of the session's source address, or `Session.noUpstream`.
  package let source: UInt32
  /// The size of each datagram but the last, which may be shorter; 0 for an empty datagram.
  package let segmentSize: Int32
  package let trafficClass: UInt8
  /// The hop limit to hand on; 0 leaves it to the socket.
  package let hopLimit: UInt8
  /// The slots of the receive batch, chained in `Trains`.
  package let firstSlot: UInt8
  package fileprivate(set) var lastSlot: UInt8
  package fileprivate(set) var datagrams: Int32
  package fileprivate(set) var bytes: Int32
  /// Whether another datagram may join: not after a shorter one.
  fileprivate var isOpen: Bool
}

/// The trains made of one received batch, in the order in which they must leave.
package struct Trains: ~Copyable {
  /// The kernel takes 64 segments since UDP_SEGMENT exists (UDP_MAX_SEGMENTS; 128 since Linux 6.9).
  static let maxSegments: Int32 = 64
  /// Below the largest IPv4 payload, 65,507, with room to spare.
  static let maxBytes: Int32 = 65_000

  package private(set) var count = 0
  private var trains: FixedArray<Train>
  private var nextSlots = FixedArray<UInt8>(repeating: 0, count: ReceivedMessages.capacity)

  init() {
    let nobody = Train(
      session: .none, generation: 0, listener: ListenerIndex(.max), client: Endpoint(.anyIPv6, 0), source: 0,
      segmentSize: 0, trafficClass: 0, hopLimit: 0, firstSlot: 0, lastSlot: 0, datagrams: 0, bytes: 0, isOpen: false)
    trains = FixedArray(repeating: nobody, count: ReceivedMessages.capacity)
  }

  package subscript(index: Int) -> Train {
    @inline(__always) get { trains[index] }
  }

  /// The slot that follows in a train.
  @inline(__always)
  package func slot(after slot: UInt8) -> UInt8 { nextSlots[Int(slot)] }

  mutating func removeAll() { count = 0 }

  /// Adds a message to its session's train, or begins a new one.
  ///
  /// Order within a session is kept: a message joins only the newest train of its session, and trains leave in the order
  /// in which they were begun.
  mutating func add(
    slot: Int, _ message: ReceivedMessage, to session: inout Session, at index: SessionIndex, hopLimit: UInt8
  ) {
    let current = Int(session.train)
    if current < count, join(current, slot, message, session.generation, index, hopLimit) { return }
    session.train = UInt8(count)
    let segmentSize = Self.segmentSize(message)
    trains[count] = Train(
      session: index, generation: session.generation, listener: session.listener, client: session.client,
      source: session.upstream, segmentSize: segmentSize, trafficClass: message.trafficClass, hopLimit: hopLimit,
      firstSlot: UInt8(slot), lastSlot: UInt8(slot), datagrams: message.datagrams, bytes: message.length,
      isOpen: Self.endsWhole(message.length, segmentSize))
    count += 1
  }

  private mutating func join(
    _ current: Int, _ slot: Int, _ message: ReceivedMessage, _ generation: UInt32, _ index: SessionIndex,
    _ hopLimit: UInt8
  ) -> Bool {
    let train = trains[current]
    guard train.session == index, train.generation == generation, train.isOpen, message.length > 0 else { return false }
    guard train.trafficClass == message.trafficClass, train.hopLimit == hopLimit else { return false }
    guard train.bytes &+ message.length <= Self.maxBytes else { return false }
    guard train.datagrams &+ message.datagrams <= Self.maxSegments else { return false }
    let segmentSize = Self.segmentSize(message)
    let isLast = segmentSize == message.length && segmentSize < train.segmentSize
    guard segmentSize == train.segmentSize || isLast else { return false }
    nextSlots[Int(train.lastSlot)] = UInt8(slot)
    trains[current].lastSlot = UInt8(slot)
    trains[current].datagrams = train.datagrams &+ message.datagrams
    trains[current].bytes = train.bytes &+ message.length
    trains[current].isOpen = Self.endsWhole(message.length, train.segmentSize)
    return true
  }

  /// Whether the last of so many bytes' datagrams is as long as the others. Most messages are one datagram, which saves the
  /// division.
  @inline(__always)
  private static func endsWhole(_ bytes: Int32, _ segmentSize: Int32) -> Bool {
    bytes > 0 && (bytes == segmentSize || bytes % segmentSize == 0)
  }

  @inline(__always)
  private static func segmentSize(_ message: ReceivedMessage) -> Int32 {
    message.segmentSize > 0 && message.segmentSize < message.length ? message.segmentSize : message.length
  }
}
