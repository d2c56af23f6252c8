import CLinux
import Glibc

/// One address of one interface, as getifaddrs(3) tells it.
public struct InterfaceAddress: Hashable, Sendable {
  /// The interface's name.
  public let interface: String
  /// The address; a link-local IPv6 address carries its interface as scope.
  public let address: IPAddress
  /// IFF_UP: the administrator has switched the interface on.
  public let isUp: Bool
  /// IFF_LOOPBACK.
  public let isLoopback: Bool

  /// One address of one interface.
  public init(interface: String, address: IPAddress, isUp: Bool = true, isLoopback: Bool = false) {
    self.interface = interface
    self.address = address
    self.isUp = isUp
    self.isLoopback = isLoopback
  }
}

/// What getifaddrs(3) tells of this network namespace.
public struct InterfaceTable: Sendable {
  /// Every IPv4 and IPv6 address, in the kernel's order.
  public private(set) var addresses: [InterfaceAddress] = []
  /// The broadcast addresses of every IPv4 subnet, the usual one and one that was set: 32 bits, most significant first.
  public private(set) var broadcastAddresses: Set<UInt32> = []
  /// The name of every interface, with or without addresses, in the kernel's order.
  public private(set) var names: [String] = []

  /// Reads the table.
  ///
  /// - Throws: EMFILE when no descriptor is left, ENOBUFS, ENOMEM.
  public static func read() throws(Errno) -> InterfaceTable {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard unsafe getifaddrs(&first) == 0 else { throw Errno.current }
    defer { unsafe freeifaddrs(first) }
    var table = InterfaceTable()
    var seen: Set<String> = []
    var next = unsafe first
    while let entry = unsafe next {
      unsafe table.add(entry.pointee, &seen)
      unsafe next = entry.pointee.ifa_next
    }
    return table
  }

  @unsafe
  private mutating func add(_ entry: ifaddrs, _ seen: inout Set<String>) {
    let name = unsafe String(cString: entry.ifa_name)
    if seen.insert(name).inserted { names.append(name) }
    guard let raw = unsafe entry.ifa_addr, let address = unsafe Self.address(raw) else { return }
    let flags = unsafe entry.ifa_flags
    addresses.append(
      InterfaceAddress(
        interface: name, address: address, isUp: flags & UInt32(IFF_UP) != 0,
        isLoopback: flags & UInt32(IFF_LOOPBACK) != 0))
    guard address.isIPv4 else { return }
    if let mask = unsafe entry.ifa_netmask.flatMap({ unsafe Self.address($0) }) {
      addBroadcastAddress(of: address.v4, mask: mask.v4)
    }
    guard flags & UInt32(IFF_BROADCAST) != 0, let broadcast = unsafe entry.ifa_ifu.ifu_broadaddr else { return }
    // Where no broadcast address was set, getifaddrs gives the address itself.
    guard let candidate = unsafe Self.address(broadcast), candidate.isIPv4, candidate != address else { return }
    broadcastAddresses.insert(candidate.v4)
  }

  /// Set or not, the last address of a subnet is a broadcast address to the kernel, unless there are only two (RFC 3021).
  private mutating func addBroadcastAddress(of address: UInt32, mask: UInt32) {
    if ~mask > 1 { broadcastAddresses.insert(address | ~mask) }
  }

  @unsafe
  private static func address(_ raw: UnsafeMutablePointer<sockaddr>) -> IPAddress? {
    switch Int32(unsafe raw.pointee.sa_family) {
    case AF_INET:
      return unsafe raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        unsafe IPAddress(v4: UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
      }
    case AF_INET6:
      return unsafe raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
        let address = unsafe IPAddress($0.pointee.sin6_addr)
        return unsafe address.isLinkLocalIPv6 ? address.scoped($0.pointee.sin6_scope_id) : address
      }
    default: return nil
    }
  }
}
