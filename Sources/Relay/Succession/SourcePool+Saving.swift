package import Linux

// The quarantine goes on in the next process: a late reply must not reach another client there, either.
extension SourcePool {
  /// Writes which addresses were given back, in the order in which they were, and when.
  ///
  /// - Parameter resting: those in use that are as good as given back now.
  package func save(to file: inout ValueWriter, resting: [UInt32] = [], now: Instant) {
    file.put(firstFresh)
    var number = oldest
    while number != Self.none {
      file.put(number)
      file.put(places[Int(number)].stamp)
      number = places[Int(number)].link
    }
    for number in resting {
      file.put(number)
      file.put(Self.ticks(now))
    }
    file.put(Self.none)
    file.put(Self.none)
  }

  /// Takes over what another pool of the same size has written; this one must be new. Every address that is neither among
  /// these nor claimed afterwards stays out of use.
  ///
  /// - Throws: ENODATA, EIO; EINVAL when that is not what was written.
  package mutating func restore(from file: inout ValueReader) throws(Errno) {
    let fresh = try file.take(UInt32.self)
    guard fresh <= UInt32(places.count), firstFresh == 0 else { throw .invalidArgument }
    firstFresh = fresh
    while true {
      let (number, stamp) = (try file.take(UInt32.self), try file.take(UInt32.self))
      if number == Self.none { return }
      guard number < fresh, stamp != Self.inUse else { throw .invalidArgument }
      enqueue(number, stamp)
    }
  }

  /// Passes over what another pool has written.
  ///
  /// - Throws: ENODATA, EIO.
  static func skip(_ file: inout ValueReader) throws(Errno) {
    _ = try file.take(UInt32.self)
    while true {
      let (number, _) = (try file.take(UInt32.self), try file.take(UInt32.self))
      if number == none { return }
    }
  }

  /// Says that a session has an address that another process has given it.
  ///
  /// - Returns: whether it may.
  package mutating func claim(_ number: UInt32, for session: SessionIndex) -> Bool {
    guard number < firstFresh, places[Int(number)].stamp != Self.inUse else { return false }
    places[Int(number)] = Place(link: session.number, stamp: Self.inUse)
    count += 1
    return true
  }
}
