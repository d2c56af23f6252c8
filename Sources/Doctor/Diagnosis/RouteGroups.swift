import Linux

/// Routes that are alike to the kernel, which chooses by router, interface and the route's own source, are one kind of client,
/// by the largest block that anybody can be in: a router may announce a million blocks, and a link may carry as many.
struct RouteGroups {
  /// Routes that are alike.
  struct Group {
    let route: Route
    /// Somebody in the route's block.
    let representative: IPAddress
    /// How many further blocks there are.
    var others = 0
  }

  /// What makes the kernel choose.
  private struct Key: Hashable {
    let table: UInt32
    let interface: UInt32
    let gateway: IPAddress?
    let source: IPAddress?
    let isLinkLocal: Bool
    /// The own IPv6 address that has most leading bits in common with the block (RFC 6724, 5, rule 8).
    let nearest: IPAddress?
  }

  /// In the order of their first routes.
  private(set) var all: [Group] = []
  private let holes: Holes
  private let own: [IPAddress]
  private var places: [Key: Int] = [:]
  private var seen: Set<CIDR> = []

  init(_ host: Host, _ holes: Holes) {
    self.holes = holes
    own = host.addresses.map(\.address).filter { !$0.isIPv4 }.sorted { $0.isBelow($1) }
  }

  /// Adds a route, the largest blocks first.
  mutating func add(_ route: Route) {
    guard seen.insert(route.destination).inserted else { return }
    let key = self.key(of: route)
    if let place = key.flatMap({ places[$0] }) {
      all[place].others += 1
      return
    }
    guard let representative = holes.representative(of: route.destination) else { return }
    if let key { places[key] = all.count }
    all.append(Group(route: route, representative: representative))
  }

  /// nil for a route that is like no other: the default one, and those of which the interface is not known.
  private func key(of route: Route) -> Key? {
    let base = route.destination.base
    guard route.destination.prefixLength > 0, route.gateway != nil || route.interface != 0 else { return nil }
    return Key(
      table: route.table, interface: route.interface, gateway: route.gateway, source: route.source,
      isLinkLocal: base.isLinkLocalIPv6, nearest: base.isIPv4 ? nil : nearest(to: base))
  }

  /// Of sorted addresses, one beside which the address would stand.
  private func nearest(to address: IPAddress) -> IPAddress? {
    var start = own.startIndex
    var end = own.endIndex
    while start < end {
      let middle = start + (end - start) / 2
      if own[middle].isBelow(address) { start = middle + 1 } else { end = middle }
    }
    let neighbours = [start > 0 ? own[start - 1] : nil, start < own.count ? own[start] : nil].compactMap(\.self)
    return neighbours.max { $0.commonBits(with: address) < $1.commonBits(with: address) }
  }
}

extension IPAddress {
  fileprivate func commonBits(with other: IPAddress) -> Int {
    high == other.high ? 64 + (low ^ other.low).leadingZeroBitCount : (high ^ other.high).leadingZeroBitCount
  }
}
