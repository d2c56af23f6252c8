package import Linux

/// A kind of client: those to whom the kernel sends by the same route, and so from the same address.
package struct ClientKind: Hashable, Sendable {
  /// How the kind was found.
  package enum Origin: String, Hashable, Sendable {
    /// A subnet on one of the host's links.
    case connected
    /// A block behind a router, or one that a routing rule names.
    case routed
    /// Everybody whom no other route leads to.
    case defaultRoute = "default"
    /// Named on the command line.
    case given
  }

  /// How it was found.
  package let origin: Origin
  /// Who belongs to it; link-local with its scope.
  package let block: CIDR
  /// One of them, in whose name the kernel is asked.
  package let representative: IPAddress
  /// The interface that they are reached by, where the route names one.
  package let interface: UInt32
  /// How many further blocks lie behind the same router, or on the same link, and are not told one by one.
  package let others: Int

  /// A kind in all its parts.
  package init(
    _ origin: Origin, _ block: CIDR, representative: IPAddress, interface: UInt32 = 0, others: Int = 0
  ) {
    self.origin = origin
    self.block = block
    self.representative = representative
    self.interface = interface
    self.others = others
  }

  /// Whether such a client can have asked this address: of its family, and a link-local one only on its own link. Whoever
  /// asks a link-local address does so from one, and the other way round (RFC 6724, rule 2).
  func canAsk(_ address: IPAddress) -> Bool {
    guard address.isIPv4 == representative.isIPv4 else { return false }
    guard address.isLinkLocalIPv6 || representative.isLinkLocalIPv6 else { return true }
    return address.isLinkLocalIPv6 && representative.isLinkLocalIPv6 && address.scope == representative.scope
  }
}

/// Finds the kinds of clients that a host has, from its routes.
package enum ClientKinds {
  /// The kinds: connected subnets, then blocks behind routers, then the default route, then those that were given; IPv4
  /// before IPv6.
  ///
  /// - Parameter given: clients to look at beside.
  package static func of(_ host: Host, given: [IPAddress] = []) -> [ClientKind] {
    [true, false].flatMap { isIPv4 in
      routed(host, isIPv4: isIPv4)
        + given.filter { $0.isIPv4 == isIPv4 }.compactMap { address in
          CIDR(address.scoped(0), prefixLength: address.bitWidth).map {
            ClientKind(.given, $0, representative: address, interface: address.scope)
          }
        }
    }
  }

  private static func routed(_ host: Host, isIPv4: Bool) -> [ClientKind] {
    let routes = host.routes.filter { $0.destination.base.isIPv4 == isIPv4 }
    let rules = host.ruleDestinations.filter { $0.base.isIPv4 == isIPv4 }.map { Route(to: $0) }
    var groups = RouteGroups(host, Holes(host, routes, isIPv4: isIPv4))
    for route in (routes.filter(leadsToClients) + rules).sorted(by: isLarger) { groups.add(route) }
    return groups.all.map { group in
      ClientKind(
        origin(of: group.route), group.route.destination, representative: group.representative,
        interface: group.route.interface, others: group.others)
    }.sorted { rank($0) < rank($1) }
  }

  private static func isLarger(_ a: Route, _ b: Route) -> Bool {
    a.destination.prefixLength < b.destination.prefixLength
  }

  /// Routes of the kernel's own that only look as if they led somewhere: multicast, and what lies on lo.
  private static func leadsToClients(_ route: Route) -> Bool {
    let base = route.destination.base
    return route.kind == .unicast && !base.isMulticast && !base.isLoopback
  }

  private static func origin(of route: Route) -> ClientKind.Origin {
    if route.destination.prefixLength == 0 { return .defaultRoute }
    return route.gateway == nil && route.interface != 0 ? .connected : .routed
  }

  private static func rank(_ kind: ClientKind) -> (Int, Int) {
    let places: [ClientKind.Origin] = [.connected, .routed, .defaultRoute, .given]
    return (places.firstIndex(of: kind.origin) ?? 0, kind.representative.isLinkLocalIPv6 ? 1 : 0)
  }
}
