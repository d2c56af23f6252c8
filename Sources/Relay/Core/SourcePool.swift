package import Linux

/// The source addresses of a multiplexing upstream: which session has which, and which may be handed out.
///
/// An address that a session has given back stays in quarantine: a reply that comes late must find nobody, never another
/// client. Since every quarantine is equally long, the order in which addresses were given back is the order in which
/// they become free: a queue, chained through the places themselves.
package struct SourcePool: ~Copyable {
  /// How long an address stays unused after its session. A backend that answers later than this breaks every client's
  /// own time-out, too: resolvers give up after 5 to 30 s, TCP's segments live at most 120 s (RFC 9293, MSL).
  package static let standardQuarantine = Nanoseconds.seconds(120)

  // Not private: the compiler (6.3.1) fails when another file must destroy memory of a private type.
  struct Place: BitwiseCopyable {
    /// In use: the session. Given back: the next one in the queue.
    var link: UInt32
    /// In use: `inUse`. Given back: when, in ticks.
    var stamp: UInt32
  }

  static let inUse = UInt32.max
  static let none = UInt32.max

  /// A tick is 2^26 ns, 67 ms. 31 bits of them last four and a half years; then they begin anew, which at worst keeps an
  /// address that nobody has wanted for all that time out of use a little longer.
  private static let tickShift: UInt64 = 26
  private static let tickMask = UInt32.max >> 1

  var places: UntouchedMemory<Place>
  private let quarantineTicks: UInt32
  private(set) var oldest = none
  private var newest = none
  /// Places from here on were never used.
  var firstFresh: UInt32 = 0
  /// How many sessions have an address.
  package internal(set) var count = 0

  /// - Parameters:
  ///   - count: how many addresses there are.
  ///   - quarantine: how long one stays unused after its session; less than four years.
  /// - Throws: ENOMEM.
  package init(count: Int, quarantine: Nanoseconds = standardQuarantine) throws(Errno) {
    places = try UntouchedMemory(count: count)
    // One more for its own rounding down, and one because both ends of a span are rounded down: never too short.
    quarantineTicks = UInt32(quarantine.count >> Self.tickShift) + 2
  }

  /// Hands out an address, to be assigned; nil when every one is in use or in quarantine.
  ///
  /// One whose quarantine is over is preferred to one never used: then memory stays flat.
  package mutating func take(now: Instant) -> UInt32? {
    let number: UInt32
    if oldest != Self.none, isQuarantineOver(oldest, now) {
      number = oldest
      oldest = places[Int(number)].link
      if oldest == Self.none { newest = Self.none }
    } else if firstFresh < UInt32(places.count) {
      number = firstFresh
      firstFresh += 1
    } else {
      return nil
    }
    places[Int(number)] = Place(link: Self.none, stamp: Self.inUse)
    count += 1
    return number
  }

  /// Says whose an address is that was handed out.
  package mutating func assign(_ number: UInt32, to session: SessionIndex) { places[Int(number)].link = session.number }

  /// Takes an address back, into quarantine.
  package mutating func giveBack(_ number: UInt32, now: Instant) {
    precondition(places[Int(number)].stamp == Self.inUse)
    enqueue(number, Self.ticks(now))
    count -= 1
  }

  /// Appends a place to the queue of those given back.
  @inline(__always)
  mutating func enqueue(_ number: UInt32, _ stamp: UInt32) {
    places[Int(number)] = Place(link: Self.none, stamp: stamp)
    if newest == Self.none { oldest = number } else { places[Int(newest)].link = number }
    newest = number
  }

  /// The session that has an address now.
  @inline(__always)
  package func session(of number: UInt32) -> SessionIndex? {
    guard number < firstFresh, places[Int(number)].stamp == Self.inUse else { return nil }
    return SessionIndex(places[Int(number)].link)
  }

  private func isQuarantineOver(_ number: UInt32, _ now: Instant) -> Bool {
    (Self.ticks(now) &- places[Int(number)].stamp) & Self.tickMask >= quarantineTicks
  }

  static func ticks(_ now: Instant) -> UInt32 {
    UInt32(truncatingIfNeeded: now.nanoseconds >> tickShift) & tickMask
  }
}
