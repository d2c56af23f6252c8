/// The source addresses of a multiplexing upstream, by number, written down as plainly as can be.
struct ReferencePool {
  /// The length of the pool's tick: it counts time in these, from the boot on.
  static let tick: UInt64 = 1 << 26

  struct Freed {
    let number: UInt32
    let at: UInt64
  }

  let count: Int
  let quarantine: UInt64
  private(set) var users: [UInt32: Int] = [:]
  private(set) var freed: [Freed] = []
  private(set) var everUsed = 0

  init(count: Int, quarantine: UInt64) {
    self.count = count
    self.quarantine = quarantine
  }

  /// An address for a session; nil when all are in use or in quarantine.
  ///
  /// - Throws: `Divergence` when the rule itself would hand one out too early, or keep it for ever.
  mutating func take(for serial: Int, now: UInt64) throws -> UInt32? {
    if let first = freed.first, isFree(first, now) {
      guard now - first.at >= quarantine else { throw Divergence("address \(first.number) left quarantine too early") }
      freed.removeFirst()
      return try give(first.number, to: serial)
    }
    if everUsed < count {
      everUsed += 1
      return try give(UInt32(everUsed - 1), to: serial)
    }
    guard freed.allSatisfy({ now - $0.at < quarantine + 3 * Self.tick }) else {
      throw Divergence("an address stays in quarantine too long")
    }
    return nil
  }

  mutating func giveBack(_ number: UInt32, now: UInt64) {
    users[number] = nil
    freed.append(Freed(number: number, at: now))
  }

  private mutating func give(_ number: UInt32, to serial: Int) throws -> UInt32 {
    guard users[number] == nil else { throw Divergence("address \(number) has two sessions") }
    users[number] = serial
    return number
  }

  /// So many ticks must have begun since: the quarantine's own, one for its rest, one because a span has two ends.
  private func isFree(_ freed: Freed, _ now: UInt64) -> Bool {
    now / Self.tick - freed.at / Self.tick >= quarantine / Self.tick + 2
  }
}
