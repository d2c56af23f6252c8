import Linux

/// The addresses that a client of a block cannot have, because they are ours, or because a more specific route holds them.
struct Holes {
  /// All of them, sorted by `precedes`.
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
    blocks = (routes.map(\.destination) + single + rules + (isIPv4 ? Self.neverV4 : Self.neverV6)).sorted(
      by: Self.precedes)
    broadcasts = isIPv4
  }

  /// An address of the block in no hole; nil where there is none.
  ///
  /// Whoever may write routes may write a great many: so each block's holes are walked through once, in their order, and
  /// no more than up to the first address between them.
  func representative(of block: CIDR) -> IPAddress? {
    if block.prefixLength == 0, let usual = usual(block) { return usual }
    let isLarge = block.prefixLength < block.base.bitWidth - 1
    // The first address of a subnet is its routers' (IPv6), or stands for the subnet itself (IPv4).
    guard var candidate = isLarge ? block.base.successor : block.base else { return nil }
    for hole in holes(in: block) {
      if candidate.isBelow(hole.base) { break }
      if hole.last.isBelow(candidate) { continue }
      guard let next = hole.last.successor else { return nil }
      candidate = next
    }
    guard block.contains(candidate), !(broadcasts && isLarge && candidate == block.last) else { return nil }
    return candidate
  }

  /// Who is known to be nobody, and in no hole.
  private func usual(_ everything: CIDR) -> IPAddress? {
    let usual = broadcasts ? Self.anywhereV4 : Self.anywhereV6
    return usual.first { address in !blocks.contains { $0.prefixLength > 0 && $0.contains(address) } }
  }

  /// The smaller blocks in a block, in order, each before those that lie in it.
  private func holes(in block: CIDR) -> ArraySlice<CIDR>.SubSequence {
    var start = blocks.startIndex
    var end = blocks.endIndex
    while start < end {
      let middle = start + (end - start) / 2
      if Self.precedes(block, blocks[middle]) { end = middle } else { start = middle + 1 }
    }
    return blocks[start...].prefix { block.contains($0.base) }
  }

  /// By scope, then by address, then the larger first: so that what lies in a block follows it at once.
  private static func precedes(_ a: CIDR, _ b: CIDR) -> Bool {
    if a.base.scope != b.base.scope { return a.base.scope < b.base.scope }
    return a.base.isBelow(b.base) || (a.base == b.base && a.prefixLength < b.prefixLength)
  }
}

extension IPAddress {
  /// The next address, of the same scope; nil behind the last of the family.
  var successor: IPAddress? {
    if isIPv4 { return v4 == .max ? nil : IPAddress(v4: v4 + 1) }
    if low < .max { return IPAddress(v6: high, low + 1, scope: scope) }
    return high == .max ? nil : IPAddress(v6: high + 1, 0, scope: scope)
  }

  /// Whether it comes before another one of its family and scope.
  func isBelow(_ other: IPAddress) -> Bool { high == other.high ? low < other.low : high < other.high }
}
