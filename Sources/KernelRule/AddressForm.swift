/// A form of clients' addresses, each of which is remembered in sets of its own.
///
/// Each form has three sets. `asked` maps a client to the address that it asked; a client is its address, its port, and the
/// port of the service, so that several services are not mixed up. `update` would not do: it leaves the value of an
/// element that is there as it was (measured: nft 1.0.6, Linux 6.18), and a client that turns to another address would be
/// answered from the old one for as long as it keeps asking. So the element is deleted and added. Not for every datagram,
/// since what was deleted takes room until the next garbage collection (1 s): `recent` holds who asked which address in the
/// last second, and whoever is in it passes after one look-up. `spare` holds the same as `asked` for the moment between
/// delete and add, in which a reply on another processor would find nothing.
package enum AddressForm: CaseIterable, Sendable {
  /// IPv4.
  case v4
  /// IPv6 but link-local.
  case v6
  /// Link-local IPv6 (RFC 4291, 2.5.6), where the interface is part of the address.
  case link

  /// What its sets' and chains' names end with.
  var suffix: String {
    switch self {
    case .v4: "4"
    case .v6: "6"
    case .link: "_link"
    }
  }

  /// What its counters' names have behind what they count: link-local clients count as IPv6.
  var digit: String { self == .v4 ? "4" : "6" }

  /// The header that holds its addresses, in nft's words.
  var header: String { self == .v4 ? "ip" : "ip6" }

  /// The type of `asked` and `spare`.
  var clientType: String {
    self == .v4
      ? "type ipv4_addr . inet_service . inet_service : ipv4_addr"
      : "typeof @nh,128,64 . @nh,64,32 . th sport : ip6 daddr"
  }

  /// Who asked whom, as `recent` holds it: both ports are one word.
  var pair: String {
    let interface = self == .link ? "iif . " : ""
    return "\(interface)\(header) saddr . \(header) daddr . @th,0,32"
  }

  /// When a reply's source is an address of this host: any of these holds. A link-local one must be its interface's. Others
  /// may be any interface's, so that of them it is asked without: `fib saddr . oif` finds those of that interface only.
  var localSources: [String] {
    self == .link
      ? ["ip6 saddr fe80::/10 fib saddr . oif type local", "ip6 saddr != fe80::/10 fib saddr type local"]
      : ["fib saddr type local"]
  }

  /// The client, in the header of a request.
  func sender(_ seed: UInt32) -> String { client(from: "saddr", half: 128, "iif", "th sport", of: "th dport", seed) }

  /// The same client, in the header of a reply.
  func receiver(_ seed: UInt32) -> String { client(from: "daddr", half: 256, "oif", "th dport", of: "th sport", seed) }

  /// The expression for a client. nft 1.0.6 aborts on keys of more than 16 bytes in a rule that adds to a map
  /// (`dreg < ctx->reg_low`), and an IPv6 address with both ports has 24. So IPv6 clients are told apart by the last half
  /// of the address and by their port, both whole, and by a hash of 32 bits over everything else. Two clients that have the
  /// first in common, 1 in 4,000,000,000 of them has the same hash, too.
  private func client(
    from address: String, half: Int, _ interface: String, _ port: String, of service: String, _ seed: UInt32
  ) -> String {
    if self == .v4 { return "ip \(address) . \(port) . \(service)" }
    let scope = self == .link ? "\(interface) . " : ""
    let hash = "jhash \(scope)ip6 \(address) . \(service) mod 4294967295 seed 0x\(String(seed, radix: 16))"
    return "@nh,\(half),64 . \(hash) . \(port)"
  }
}
