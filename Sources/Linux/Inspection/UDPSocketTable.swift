import CLinux
import Glibc

/// A UDP socket of some process on this host, as the kernel lists it.
public struct UDPSocketEntry: Hashable, Sendable {
  /// What it is bound to; the address may be the wildcard.
  public let local: Endpoint
  /// Whom it is connected to, if it is.
  public let peer: Endpoint?
  /// Whether it is of the IPv6 family, in which an IPv4 address is one that the socket reaches by mapping.
  public let isIPv6: Bool
  /// IPV6_V6ONLY: whether an IPv6 socket leaves IPv4 alone. Where the kernel lacks udp_diag, always false.
  public let isIPv6Only: Bool
  /// SO_BINDTODEVICE: the interface's index, or 0. Where the kernel lacks udp_diag, always 0.
  public let interface: UInt32
  /// The user that it belongs to: who may bind beside it with SO_REUSEPORT.
  public let user: UInt32
  /// What /proc/PID/fd and fstat(2) name it by; 0 for a socket of the kernel's own, such as WireGuard's.
  public let inode: UInt64
  /// What the kernel knows it by as long as it exists, and never another (SO_COOKIE, socket(7)). Where the kernel lacks
  /// udp_diag, 0.
  public let cookie: UInt64

  /// Whether it receives whatever its port is asked at any address: bound to the wildcard and connected to nobody.
  public var isWildcard: Bool { peer == nil && local.address.isWildcard }

  /// An entry in all its parts.
  public init(
    local: Endpoint, peer: Endpoint? = nil, isIPv6: Bool, isIPv6Only: Bool = false, interface: UInt32 = 0,
    user: UInt32 = 0, inode: UInt64, cookie: UInt64 = 0
  ) {
    self.local = local
    self.peer = peer
    self.isIPv6 = isIPv6
    self.isIPv6Only = isIPv6Only
    self.interface = interface
    self.user = user
    self.inode = inode
    self.cookie = cookie
  }

  /// Whether it takes datagrams of this family: a dual-stack IPv6 socket takes both.
  public func takes(ipv4: Bool) -> Bool {
    guard isIPv6 else { return ipv4 }
    return local.address.isWildcard ? !ipv4 || !isIPv6Only : local.address.isIPv4 == ipv4
  }
}

/// The UDP sockets of the calling thread's network namespace (sock_diag(7); where the kernel lacks udp_diag, proc(5)).
public enum UDPSocketTable {
  /// Lists them, IPv4 before IPv6.
  ///
  /// - Parameter port: only those with this local port; nil for all.
  /// - Throws: EMFILE, ENOMEM, ENOBUFS, or EPERM where a sandbox forbids netlink.
  public static func read(port: UInt16? = nil) throws(Errno) -> [UDPSocketEntry] {
    do throws(Errno) {
      return try read(AF_INET, port) + read(AF_INET6, port)
    } catch .notFound {
      return ProcSocketTable.read().filter { port == nil || $0.local.port == port }
    }
  }

  private static func read(_ family: Int32, _ port: UInt16?) throws(Errno) -> [UDPSocketEntry] {
    var sockets: UnsafeMutablePointer<mh_udp_socket>?
    let count = unsafe mh_read_udp_sockets(family, Int32(port ?? 0), &sockets)
    if count < 0 { throw Errno(-count) }
    defer { unsafe free(sockets) }
    return unsafe UnsafeBufferPointer(start: sockets, count: Int(count)).map { UDPSocketEntry($0) }
  }
}

extension UDPSocketEntry {
  fileprivate init(_ raw: mh_udp_socket) {
    let isIPv6 = raw.is_ipv6 != 0
    let local = Self.address(raw.local, isIPv6: isIPv6, scope: raw.interface)
    let peer = Self.address(raw.peer, isIPv6: isIPv6, scope: raw.interface)
    self.init(
      local: Endpoint(local, raw.local_port),
      peer: raw.is_connected != 0 ? Endpoint(peer, raw.peer_port) : nil,
      isIPv6: isIPv6, isIPv6Only: raw.v6_only != 0, interface: raw.interface, user: raw.user, inode: UInt64(raw.inode),
      cookie: raw.cookie)
  }

  private static func address(_ bytes: RawAddress, isIPv6: Bool, scope: UInt32) -> IPAddress {
    let address = IPAddress(bytes, isIPv6: isIPv6)
    return address.isLinkLocalIPv6 ? address.scoped(scope) : address
  }
}
