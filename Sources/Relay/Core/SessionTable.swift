package import Linux

/// Every session of one relay in one worker: a hash table with open addressing over a slab of fixed-size sessions.
///
/// Both are sized once, in untouched memory: no insertion ever rehashes, nothing moves, and an empty table costs nothing.
/// A bucket holds 32 bits of the key's hash (high half) and the session's index plus 1 (low half); 0 is empty. At most
/// half of the buckets are full, so a probe looks at 1.5 of them on average.
package struct SessionTable: ~Copyable {
  var sessions: UntouchedMemory<Session>
  private var buckets: UntouchedMemory<UInt64>
  private let mask: UInt32
  private let keyHash = KeyHash()
  private var firstFree = SessionIndex.none
  /// Sessions from here on were never used.
  private(set) var firstFresh = 0
  /// How many sessions there are.
  package private(set) var count = 0

  /// Room for so many sessions, at least 1, at most 2^30.
  ///
  /// - Throws: ENOMEM.
  package init(capacity: Int) throws(Errno) {
    precondition(capacity > 0 && capacity <= 1 << 30)
    let width = Int.bitWidth - (capacity * 2 - 1).leadingZeroBitCount
    let sessions = try UntouchedMemory<Session>(count: capacity)
    let buckets = try UntouchedMemory<UInt64>(count: 1 << width)
    self.sessions = sessions
    self.buckets = buckets
    mask = UInt32((1 << width) - 1)
    assert(MemoryLayout<Session>.stride <= 128)
  }

  /// How many sessions there may be.
  package var capacity: Int { sessions.count }
  var isFull: Bool { count == sessions.count }

  package subscript(index: SessionIndex) -> Session {
    @inline(__always) unsafeAddress { unsafe sessions.pointer(to: index.position) }
    @inline(__always) unsafeMutableAddress { unsafe sessions.mutablePointer(to: index.position) }
  }

  /// The hash of a key, in this table.
  @inline(__always)
  package func hash(_ listener: ListenerIndex, _ client: Endpoint) -> UInt32 { keyHash.hash(listener, client) }

  /// The session of a client on a listener.
  package func find(_ listener: ListenerIndex, _ client: Endpoint, hash: UInt32) -> SessionIndex? {
    var place = hash & mask
    while true {
      let bucket = buckets[Int(place)]
      if bucket == 0 { return nil }
      if UInt32(truncatingIfNeeded: bucket >> 32) == hash {
        let index = SessionIndex(UInt32(truncatingIfNeeded: bucket) &- 1)
        if self[index].client == client, self[index].listener == listener { return index }
      }
      place = (place &+ 1) & mask
    }
  }

  /// Begins a session for a key that has none; the table must not be full.
  package mutating func insert(
    _ listener: ListenerIndex, _ client: Endpoint, hash: UInt32, now: Instant
  ) -> SessionIndex {
    precondition(!isFull)
    let index = takeFree()
    let generation = self[index].generation &+ 1
    self[index] = Session(
      client: client, listener: listener, hash: hash, lastActive: now, created: now, generation: generation)
    var place = hash & mask
    while buckets[Int(place)] != 0 { place = (place &+ 1) & mask }
    buckets[Int(place)] = UInt64(hash) << 32 | UInt64(index.number &+ 1)
    count &+= 1
    return index
  }

  /// Ends a session; its place may be used again at once.
  package mutating func remove(_ index: SessionIndex) {
    clearBucket(of: index)
    self[index].state = .free
    self[index].newer = firstFree
    firstFree = index
    count &-= 1
  }

  private mutating func takeFree() -> SessionIndex {
    if firstFree != .none {
      let index = firstFree
      firstFree = self[index].newer
      return index
    }
    let index = SessionIndex(UInt32(firstFresh))
    firstFresh += 1
    return index
  }

  /// Empties a bucket and moves back those behind it that were pushed on by it, so that no probe ends too early.
  private mutating func clearBucket(of index: SessionIndex) {
    let wanted = UInt64(self[index].hash) << 32 | UInt64(index.number &+ 1)
    var hole = self[index].hash & mask
    while buckets[Int(hole)] != wanted { hole = (hole &+ 1) & mask }
    var place = hole
    while true {
      place = (place &+ 1) & mask
      let bucket = buckets[Int(place)]
      if bucket == 0 { break }
      let home = UInt32(truncatingIfNeeded: bucket >> 32) & mask
      // It may fill the hole unless its home lies between hole and place: then a probe would begin behind the hole.
      if (place &- home) & mask >= (place &- hole) & mask {
        buckets[Int(hole)] = bucket
        hole = place
      }
    }
    buckets[Int(hole)] = 0
  }
}
