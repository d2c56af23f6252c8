import Linux
import Relay

/// A train that must come of a batch, with the size of every single datagram in it.
struct ReferenceTrain {
  let serial: Int
  let listener: UInt32
  let client: Endpoint
  /// The number of the source address; `UInt32.max` for a session that has none.
  let source: UInt32
  let trafficClass: UInt8
  let hopLimit: UInt8
  var slots: [UInt8]
  var sizes: [Int32]
}

extension ReceivedMessage {
  /// The size of each of its datagrams.
  var sizes: [Int32] {
    guard segmentSize > 0, segmentSize < length else { return [length] }
    var sizes: [Int32] = []
    var rest = length
    while rest > 0 {
      sizes.append(min(rest, segmentSize))
      rest -= sizes[sizes.count - 1]
    }
    return sizes
  }
}

extension [ReferenceTrain] {
  /// Adds a message: to the newest train of its session when the two together are still a train, else as a new one.
  mutating func add(slot: Int, _ message: ReceivedMessage, of session: ReferenceSession, hopLimit: UInt8) {
    let sizes = message.sizes
    if let newest = lastIndex(where: { $0.serial == session.serial }) {
      let train = self[newest]
      let isAlike = train.trafficClass == message.trafficClass && train.hopLimit == hopLimit
      if isAlike, Self.isTrain(train.sizes + sizes) {
        self[newest].slots.append(UInt8(slot))
        self[newest].sizes += sizes
        return
      }
    }
    append(
      ReferenceTrain(
        serial: session.serial, listener: session.listener, client: session.client,
        source: session.source ?? session.upstream ?? .max, trafficClass: message.trafficClass, hopLimit: hopLimit,
        slots: [UInt8(slot)], sizes: sizes))
  }

  /// At most 64 datagrams and 65,000 bytes, all of one size but for a shorter last one, none empty.
  private static func isTrain(_ sizes: [Int32]) -> Bool {
    guard let first = sizes.first, let last = sizes.last, sizes.count <= 64, sizes.reduce(0, +) <= 65_000 else {
      return false
    }
    return sizes.dropLast().allSatisfy { $0 == first } && last <= first && last > 0
  }
}
