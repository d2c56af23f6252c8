import CLinux
import Glibc

/// A route of this network namespace (rtnetlink(7)).
public struct Route: Hashable, Sendable {
  /// What the kernel does with a datagram that takes the route (RTN_*).
  public enum Kind: Hashable, Sendable {
    /// Sends it on.
    case unicast
    /// Keeps it: the destination is an address of this host's.
    case local
    /// Anything else: throws it away, refuses it, broadcasts it, looks on in another table.
    case other
  }

  /// Whom it leads to. A link-local block carries its interface as scope.
  public let destination: CIDR
  /// What happens.
  public let kind: Kind
  /// The number of the table that it stands in.
  public let table: UInt32
  /// The outgoing interface's index; 0 where there are several or none.
  public let interface: UInt32
  /// The next router; nil where the destination is on the link.
  public let gateway: IPAddress?
  /// The source address that the route asks for; nil leaves it to the kernel.
  public let source: IPAddress?

  /// A route in all its parts.
  public init(
    to destination: CIDR, _ kind: Kind = .unicast, table: UInt32 = 254, interface: UInt32 = 0,
    gateway: IPAddress? = nil, source: IPAddress? = nil
  ) {
    self.destination = destination
    self.kind = kind
    self.table = table
    self.interface = interface
    self.gateway = gateway
    self.source = source
  }
}

/// The routes and rules of the calling thread's network namespace.
public enum RouteTable {
  /// Every route of every table, IPv4 before IPv6. None of a family that is switched off.
  ///
  /// - Throws: EMFILE, ENOMEM, ENOBUFS, EAGAIN where routes change faster than they can be read, or EPERM where a sandbox
  ///   forbids netlink.
  public static func read() throws(Errno) -> [Route] {
    try (read(AF_INET, .routes) + read(AF_INET6, .routes)).map { Route($0) }
  }

  /// The destinations that routing rules name (`ip rule add to …`, ip-rule(8)): whom a table of their own may serve.
  ///
  /// - Throws: as `read()`; none where the kernel has no rules.
  public static func ruleDestinations() throws(Errno) -> [CIDR] {
    let rules = try read(AF_INET, .rules) + read(AF_INET6, .rules)
    return rules.filter { $0.length > 0 }.map(\.block)
  }

  private enum List { case routes, rules }

  private static func read(_ family: Int32, _ list: List) throws(Errno) -> [mh_route] {
    var routes: UnsafeMutablePointer<mh_route>?
    let count = unsafe list == .routes ? mh_read_routes(family, &routes) : mh_read_rules(family, &routes)
    if count == -EOPNOTSUPP || count == -EAFNOSUPPORT { return [] }
    if count < 0 { throw Errno(-count) }
    defer { unsafe free(routes) }
    return unsafe Array(UnsafeBufferPointer(start: routes, count: Int(count)))
  }
}

extension Route {
  init(_ raw: mh_route) {
    let isIPv6 = raw.is_ipv6 == 1
    let kind: Kind =
      switch Int(raw.type) {
      case MH_RTN_UNICAST: .unicast
      case MH_RTN_LOCAL: .local
      default: .other
      }
    self.init(
      to: raw.block, kind, table: raw.table, interface: raw.interface,
      gateway: raw.has_gateway == 1 ? IPAddress(raw.gateway, isIPv6: isIPv6) : nil,
      source: raw.has_source == 1 ? IPAddress(raw.source, isIPv6: isIPv6) : nil)
  }
}

extension mh_route {
  /// The destination; the kernel keeps no bits beyond the length, and if it did, they would be cut off.
  fileprivate var block: CIDR {
    let base = IPAddress(destination, isIPv6: is_ipv6 == 1)
    let scoped = base.isLinkLocalIPv6 ? base.scoped(interface) : base
    let everything = is_ipv6 == 1 ? CIDR.everyIPv6 : CIDR.everyIPv4
    return CIDR(holding: scoped, prefixLength: Int(length)) ?? everything
  }
}
