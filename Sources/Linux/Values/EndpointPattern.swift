/// Which endpoints are meant: those of a block of addresses, those with a port, or those with both.
public struct EndpointPattern: Hashable, Sendable, LosslessStringConvertible {
  /// Their addresses; nil for any.
  public let block: CIDR?
  /// Their port; nil for any.
  public let port: UInt16?

  /// Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`, `192.0.2.1:53`, `[2001:db8::1]:53` or `:53`.
  public init?(_ text: String) {
    if let block = CIDR(text) {
      (self.block, port) = (block, nil)
    } else if let endpoint = Endpoint(text), endpoint.port > 0 {
      block = CIDR(endpoint.address, prefixLength: endpoint.address.bitWidth)
      port = endpoint.port
    } else if text.hasPrefix(":"), let port = UInt16(port: text.dropFirst()) {
      (block, self.port) = (nil, port)
    } else {
      return nil
    }
  }

  /// Whether this one is meant.
  public func matches(_ endpoint: Endpoint) -> Bool {
    if let port, port != endpoint.port { return false }
    return block?.contains(endpoint.address) ?? true
  }

  /// As it is read.
  public var description: String {
    guard let block else { return ":\(port ?? 0)" }
    return port.map { "\(Endpoint(block.base, $0))" } ?? "\(block)"
  }
}
