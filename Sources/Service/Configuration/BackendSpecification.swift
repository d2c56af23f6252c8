public import Linux

/// Where a relay's datagrams go.
public enum BackendSpecification: Hashable, Sendable {
  /// The built-in service that sends every datagram back.
  case echo
  /// A service at one port, or at as many ports as the relay listens on, which are then mapped one to one in order.
  case endpoints(IPAddress, ClosedRange<UInt16>)

  /// Where the backend is; the built-in one is at 127.0.0.1.
  public var address: IPAddress {
    switch self {
    case .echo: .loopbackIPv4
    case .endpoints(let address, _): address
    }
  }

  /// Reads `ADDRESS:PORT`, `ADDRESS:LOW-HIGH` (an IPv6 address in brackets) or `echo`.
  public init(parsing text: String) throws(ConfigurationError) {
    if text == "echo" {
      self = .echo
      return
    }
    guard let colon = text.lastIndex(of: ":") else {
      throw .usage("'\(text)' is not a backend; give ADDRESS:PORT, as in 127.0.0.1:15678, or echo")
    }
    self = .endpoints(
      try IPAddress(beforePort: text[..<colon]), try PortRange.parse(text[text.index(after: colon)...]))
  }
}

extension BackendSpecification: LosslessStringConvertible {
  /// Reads `ADDRESS:PORT`, `ADDRESS:LOW-HIGH` or `echo`; nil for anything else.
  public init?(_ text: String) {
    do { try self.init(parsing: text) } catch { return nil }
  }

  /// `echo`, `127.0.0.1:53` or `[2001:db8::1]:5000-5010`
  public var description: String {
    switch self {
    case .echo: "echo"
    case .endpoints(let address, let ports):
      (address.isIPv4 ? "\(address)" : "[\(address)]") + ":" + PortRange.describe(ports)
    }
  }
}
