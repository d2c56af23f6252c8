import Linux

/// A hash of a session's key that nobody outside can steer: multilinear hashing under seeds drawn at the start, and mixed.
///
/// The high bits of the sum are strongly universal (Lemire and Kaser, "Strongly universal string hashing is fast", 2014):
/// whichever two keys somebody chooses who does not know the seeds, they collide about once in 2^32 cases; and nothing that
/// leaves this host tells the seeds. The mixing is heuristic.
///
/// Some 35 instructions, where `Hasher` (SipHash) took 250 for the same key, a fifth of all that a datagram cost us in user
/// space.
struct KeyHash {
  private let seeds: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

  /// With seeds of its own, from getrandom(2).
  init() {
    func draw() -> UInt64 { .random(in: 0 ... .max) }
    seeds = (draw(), draw(), draw(), draw(), draw(), draw(), draw(), draw())
  }

  @inline(__always)
  func hash(_ listener: ListenerIndex, _ client: Endpoint) -> UInt32 {
    let (high, low) = (client.address.high, client.address.low)
    var sum = seeds.0
    sum &+= seeds.1 &* (high >> 32)
    sum &+= seeds.2 &* (high & 0xffff_ffff)
    sum &+= seeds.3 &* (low >> 32)
    sum &+= seeds.4 &* (low & 0xffff_ffff)
    sum &+= seeds.5 &* UInt64(client.address.scope)
    sum &+= seeds.6 &* UInt64(client.port)
    sum &+= seeds.7 &* UInt64(listener.number)
    return UInt32(truncatingIfNeeded: Self.mixed(Self.mixed(sum)) >> 32)
  }

  /// Linear hashing puts neighbours into evenly spaced places, and rows of full buckets are what linear probing does not
  /// bear: this scatters them. One to one, so it adds no collision to a sum.
  @inline(__always)
  private static func mixed(_ bits: UInt64) -> UInt64 { (bits ^ bits >> 32) &* 0xd6e8_feb8_6659_fd93 }
}
