/// A block of addresses: an address and how many of its leading bits count (RFC 4632, RFC 4291).
public struct CIDR: Hashable, Sendable, LosslessStringConvertible {
  /// The first address of the block.
  public let base: IPAddress
  /// How many leading bits count: 0 to 32 for IPv4, 0 to 128 for IPv6.
  public let prefixLength: Int

  /// A block; nil when the length does not fit the family or the address has bits beyond it.
  public init?(_ base: IPAddress, prefixLength: Int) {
    guard (0...base.bitWidth).contains(prefixLength) else { return nil }
    self.base = base
    self.prefixLength = prefixLength
    guard Self.masked(base, prefixLength) == base.scoped(0) else { return nil }
  }

  /// The block of this length that an address lies in; nil when the length does not fit the family.
  public init?(holding address: IPAddress, prefixLength: Int) {
    guard (0...address.bitWidth).contains(prefixLength) else { return nil }
    self.prefixLength = prefixLength
    base = Self.masked(address, prefixLength).scoped(address.scope)
  }

  /// 0.0.0.0/0
  public static let everyIPv4 = CIDR(everythingFrom: .anyIPv4)
  /// ::/0
  public static let everyIPv6 = CIDR(everythingFrom: .anyIPv6)

  private init(everythingFrom wildcard: IPAddress) {
    base = wildcard
    prefixLength = 0
  }

  /// Reads `192.0.2.0/24`, `2001:db8::/32`, or a single address.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(String(parts[0])) else { return nil }
    guard parts.count == 2 else {
      self.init(address, prefixLength: address.bitWidth)
      return
    }
    guard parts[1].allSatisfy(\.isWholeNumber), let length = Int(parts[1]) else { return nil }
    self.init(address, prefixLength: length)
  }

  /// Whether the block holds this address. A scope in the block must be met; without one, any scope will do.
  public func contains(_ address: IPAddress) -> Bool {
    guard address.isIPv4 == base.isIPv4 else { return false }
    guard base.scope == 0 || base.scope == address.scope else { return false }
    return Self.masked(address, prefixLength) == base.scoped(0)
  }

  /// The last address of the block.
  public var last: IPAddress {
    let length = base.isIPv4 ? prefixLength + 96 : prefixLength
    let high = length >= 64 ? 0 : UInt64.max >> UInt64(length)
    let low = length <= 64 ? .max : length == 128 ? 0 : UInt64.max >> UInt64(length - 64)
    return IPAddress(high: base.high | high, low: base.low | low, scope: base.scope)
  }

  /// `192.0.2.0/24`
  public var description: String { "\(base)/\(prefixLength)" }

  private static func masked(_ address: IPAddress, _ prefixLength: Int) -> IPAddress {
    // An IPv4 address lies in the last 32 bits of its mapped form.
    let length = address.isIPv4 ? prefixLength + 96 : prefixLength
    let high = length >= 64 ? UInt64.max : ~(UInt64.max >> UInt64(length))
    let low = length <= 64 ? 0 : ~(UInt64.max >> UInt64(length - 64))
    return IPAddress(high: address.high & high, low: address.low & (length == 128 ? .max : low))
  }
}
