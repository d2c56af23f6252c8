import Linux

/// The addresses that a client of a block cannot have, because they are ours, or because a more specific route holds them.
struct Holes {
  private let blocks: [CIDR]
  private let broadcasts: Bool

  /// What is never a client's address: "this network", loopback, multicast and beyond (RFC 6890); of IPv6, the addresses
  /// that stand for others, multicast, and link-local ones, which have routes of their own.
  private static let neverV4 = ["0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"].compactMap { CIDR($0) }
  private static let neverV6 = ["::/16", "fe80::/10", "ff00::/8"].compactMap { CIDR($0) }

  /// Addresses for documentation, which are nobody's: they stand for everybody whom the default route leads to.
  private static let anywhereV4 = ["192.0.2.1", "198.51.100.1", "203.0.113.1"].compactMap { IPAddress($0) }
  private static let anywhereV6 = ["2001:db8::1", "3fff::1"].compactMap { IPAddress($0) }

  init(_ host: Host, _ routes: [Route], isIPv4: Bool) {
    let own = host.addresses.map(\.address).filter { $0.isIPv4 == isIPv4 }
    let single = own.compactMap { CIDR(holding: $0, prefixLength: $0.bitWidth) }
    let rules = host.ruleDestinations.filter { $0.base.isIPv4 == isIPv4 }
    blocks = Array(Set(routes.map(\.destination) + single + rules + (isIPv4 ? Self.neverV4 : Self.neverV6)))
    broadcasts = isIPv4
  }

  /// An address of the block in no hole; nil where there is none.
  ///
  /// The lowest free address is the block's first, or follows the end of a hole: so nothing else need be tried.
  func representative(of block: CIDR) -> IPAddress? {
    let inside = blocks.filter { isHole($0, in: block) }
    let isLarge = block.prefixLength < block.base.bitWidth - 1
    // The first address of a subnet is its routers' (IPv6), or stands for the subnet itself (IPv4).
    let first = isLarge ? block.base.successor : block.base
    let usual = block.prefixLength == 0 ? (block.base.isIPv4 ? Self.anywhereV4 : Self.anywhereV6) : []
    let candidates = usual + [first].compactMap(\.self) + inside.compactMap(\.last.successor)
    return candidates.first { candidate in
      guard block.contains(candidate), !inside.contains(where: { $0.contains(candidate) }) else { return false }
      return !(broadcasts && isLarge && candidate == block.last)
    }
  }

  private func isHole(_ hole: CIDR, in block: CIDR) -> Bool {
    hole.prefixLength > block.prefixLength && block.contains(hole.base)
  }
}

extension IPAddress {
  /// The next address, of the same scope; nil behind the last of the family.
  var successor: IPAddress? {
    if isIPv4 { return v4 == .max ? nil : IPAddress(v4: v4 + 1) }
    if low < .max { return IPAddress(v6: high, low + 1, scope: scope) }
    return high == .max ? nil : IPAddress(v6: high + 1, 0, scope: scope)
  }
}
