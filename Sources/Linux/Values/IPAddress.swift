import CLinux
import Glibc

/// An IPv4 or IPv6 address, with the scope (interface index) that a link-local IPv6 address needs.
///
/// IPv4 is kept as the IPv4-mapped IPv6 address ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), so that both families are one
/// value of one size. Our IPv6 sockets are IPV6_V6ONLY: a mapped address never comes from them.
@frozen
public struct IPAddress: Hashable, Sendable, BitwiseCopyable {
  /// The first eight bytes, most significant first.
  public let high: UInt64
  /// The last eight bytes, most significant first.
  public let low: UInt64
  /// The interface index of a link-local IPv6 address, otherwise 0.
  public let scope: UInt32

  @inlinable
  init(high: UInt64, low: UInt64, scope: UInt32 = 0) {
    self.high = high
    self.low = low
    self.scope = scope
  }

  /// An IPv4 address from its 32 bits, most significant first: `0x7f00_0001` is 127.0.0.1.
  @inlinable
  public init(v4 bits: UInt32) {
    self.init(high: 0, low: 0xffff_0000_0000 | UInt64(bits))
  }

  /// An IPv6 address from its two halves, most significant first.
  @inlinable
  public init(v6 high: UInt64, _ low: UInt64, scope: UInt32 = 0) {
    self.init(high: high, low: low, scope: scope)
  }

  /// Whether this is an IPv4 address.
  @inlinable
  public var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }

  /// The 32 bits of an IPv4 address, most significant first; meaningless for IPv6.
  @inlinable
  public var v4: UInt32 { UInt32(truncatingIfNeeded: low) }

  /// 0.0.0.0
  public static let anyIPv4 = IPAddress(v4: 0)
  /// ::
  public static let anyIPv6 = IPAddress(v6: 0, 0)
  /// 127.0.0.1
  public static let loopbackIPv4 = IPAddress(v4: 0x7f00_0001)
  /// ::1
  public static let loopbackIPv6 = IPAddress(v6: 0, 1)
}

extension IPAddress {
  /// The wildcard of either family (INADDR_ANY, in6addr_any).
  public var isWildcard: Bool { self == .anyIPv4 || (high == 0 && low == 0) }

  /// 127.0.0.0/8 or ::1.
  public var isLoopback: Bool { isIPv4 ? v4 >> 24 == 127 : high == 0 && low == 1 }

  /// fe80::/10, the addresses that mean nothing without a scope (RFC 4291, 2.5.6).
  public var isLinkLocalIPv6: Bool { high >> 54 == 0xfe80 >> 6 }

  /// 224.0.0.0/4 or ff00::/8.
  public var isMulticast: Bool { isIPv4 ? v4 >> 28 == 0xe : high >> 56 == 0xff }

  /// The same address with another scope.
  public func scoped(_ scope: UInt32) -> IPAddress { IPAddress(high: high, low: low, scope: scope) }

  /// How many bits an address of this family has: 32 or 128.
  public var bitWidth: Int { isIPv4 ? 32 : 128 }
}

extension IPAddress: LosslessStringConvertible {
  /// Reads `192.0.2.1`, `2001:db8::1` or `fe80::1%eth0` (inet_pton(3); the zone as a name or a number). Nothing else:
  /// no host names, no shorthand such as `127.1`.
  public init?(_ text: String) {
    let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 1, let v4 = IPAddress.parseIPv4(text) {
      self = v4
      return
    }
    guard let v6 = IPAddress.parseIPv6(String(parts[0])) else { return nil }
    guard parts.count == 2 else {
      self = v6
      return
    }
    guard v6.isLinkLocalIPv6, let scope = InterfaceIndex.named(String(parts[1])) else { return nil }
    self = v6.scoped(scope)
  }

  private static func parseIPv4(_ text: String) -> IPAddress? {
    var bytes = in_addr()
    guard unsafe inet_pton(AF_INET, text, &bytes) == 1 else { return nil }
    return IPAddress(v4: UInt32(bigEndian: bytes.s_addr))
  }

  private static func parseIPv6(_ text: String) -> IPAddress? {
    var bytes = in6_addr()
    guard unsafe inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
    return IPAddress(bytes)
  }

  /// Text as in RFC 5952; a scope is shown by the interface's name where it still has one.
  public var description: String {
    var buffer = InlineArray<46, CChar>(repeating: 0)  // INET6_ADDRSTRLEN
    let text = unsafe withUnsafeMutablePointer(to: &buffer) { pointer in
      unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 46) { unsafe write(to: $0) }
    }
    return scope == 0 ? text : "\(text)%\(InterfaceIndex.name(of: scope) ?? String(scope))"
  }

  @unsafe
  private func write(to buffer: UnsafeMutablePointer<CChar>) -> String {
    if isIPv4 {
      var bytes = in_addr(s_addr: v4.bigEndian)
      unsafe inet_ntop(AF_INET, &bytes, buffer, 46)
    } else {
      var bytes = in6_addr(self)
      unsafe inet_ntop(AF_INET6, &bytes, buffer, 46)
    }
    return unsafe String(cString: buffer)
  }
}

extension IPAddress {
  init(_ bytes: in6_addr, scope: UInt32 = 0) {
    let halves = unsafe unsafeBitCast(bytes, to: (UInt64, UInt64).self)
    self.init(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1), scope: scope)
  }
}

extension in6_addr {
  init(_ address: IPAddress) {
    self = unsafe unsafeBitCast((address.high.bigEndian, address.low.bigEndian), to: in6_addr.self)
  }
}

/// Names and numbers of network interfaces (if_nametoindex(3), if_indextoname(3)).
public enum InterfaceIndex {
  /// The index of an interface given by name, or by number in decimal; nil when there is none of that name.
  public static func named(_ text: String) -> UInt32? {
    if let number = UInt32(text), number > 0 { return number }
    let index = unsafe if_nametoindex(text)
    return index == 0 ? nil : index
  }

  /// The name of an interface, or nil when it is gone.
  public static func name(of index: UInt32) -> String? {
    var buffer = InlineArray<16, CChar>(repeating: 0)  // IF_NAMESIZE
    return unsafe withUnsafeMutablePointer(to: &buffer) { pointer in
      unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 16) {
        unsafe if_indextoname(index, $0) == nil ? nil : String(cString: $0)
      }
    }
  }
}
