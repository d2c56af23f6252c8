public import Linux

/// Which interfaces count: a pattern for the whole name (`eth*`, `wg?`, `en[ps]*`), or with `!` before it those that do not.
///
/// getifaddrs(3) names a labelled IPv4 address by its label (`eth0:1`). A pattern meets it by the label and by the
/// interface before the colon, so that `eth0` means everything on eth0.
public struct InterfaceRule: Hashable, Sendable, LosslessStringConvertible {
  /// What a name is compared with.
  public let glob: Glob
  /// Whether what matches is left out.
  public let excludes: Bool

  /// Reads `GLOB` or `!GLOB`; nil when there is no pattern, or when it holds what no interface's name may: a space or `/`.
  public init?(_ text: String) {
    excludes = text.hasPrefix("!")
    glob = Glob(excludes ? String(text.dropFirst()) : text)
    guard !glob.pattern.isEmpty, !glob.pattern.contains(where: { $0.isWhitespace || $0 == "/" }) else { return nil }
  }

  /// `eth*` or `!veth*`
  public var description: String { (excludes ? "!" : "") + glob.pattern }

  /// Whether the pattern meets this interface's name, leaving aside what the rule then does.
  public func matches(_ interface: String) -> Bool {
    if glob.matches(interface) { return true }
    guard let colon = interface.firstIndex(of: ":") else { return false }
    return glob.matches(String(interface[..<colon]))
  }
}

/// Which addresses count: a block (`192.0.2.0/24`) or one address, or with `!` before it those that do not.
public struct AddressRule: Hashable, Sendable, LosslessStringConvertible {
  /// What an address is compared with.
  public let block: CIDR
  /// Whether what matches is left out.
  public let excludes: Bool

  /// Reads `CIDR`, `ADDRESS`, `!CIDR` or `!ADDRESS`.
  public init?(_ text: String) {
    excludes = text.hasPrefix("!")
    guard let block = CIDR(excludes ? String(text.dropFirst()) : text) else { return nil }
    self.block = block
  }

  /// `192.0.2.0/24` or `!192.0.2.1/32`
  public var description: String { (excludes ? "!" : "") + block.description }

  /// Whether the block holds this address, leaving aside what the rule then does.
  public func matches(_ address: IPAddress) -> Bool { block.contains(address) }
}

/// Which address families count.
public enum AddressFamilies: Hashable, Sendable {
  /// IPv4 and IPv6.
  case both
  /// IPv4 alone.
  case ipv4
  /// IPv6 alone.
  case ipv6

  /// Whether this address is of a family that counts.
  public func contains(_ address: IPAddress) -> Bool {
    switch self {
    case .both: true
    case .ipv4: address.isIPv4
    case .ipv6: !address.isIPv4
    }
  }
}
