public import Addresses
public import Linux

/// What a relay listens on.
public enum ListenSpecification: Hashable, Sendable {
  /// These ports (1 to 65535) of every eligible address.
  case ports(ClosedRange<UInt16>)
  /// This port of this one address, whenever an interface that is up has it. A filter chooses among addresses that
  /// nobody named, so it does not apply; one that contradicts the name is refused by `validate(_:)`.
  case endpoint(Endpoint)

  /// Every port that this specification names.
  public var ports: ClosedRange<UInt16> {
    switch self {
    case .ports(let ports): ports
    case .endpoint(let endpoint): endpoint.port...endpoint.port
    }
  }

  /// Reads `PORT`, `LOW-HIGH`, `ADDRESS:PORT` or `[ADDRESS]:PORT`.
  public init(parsing text: String) throws(ConfigurationError) {
    guard let colon = text.lastIndex(of: ":") else {
      self = .ports(try PortRange.parse(text[...]))
      return
    }
    let ports = try PortRange.parse(text[text.index(after: colon)...])
    guard ports.count == 1 else {
      throw .usage("an address goes with one port, not with a range; repeat --listen for each port")
    }
    self = .endpoint(Endpoint(try IPAddress(beforePort: text[..<colon]), ports.lowerBound))
  }

  /// The addresses that this specification serves on a host like this, each once, in the snapshot's order. Every address
  /// of 127.0.0.0/8 is there without being listed.
  public func addresses(in snapshot: Snapshot, _ filter: AddressFilter) -> [IPAddress] {
    switch self {
    case .ports: return filter.eligibleAddresses(in: snapshot)
    case .endpoint(let endpoint):
      let address = endpoint.address
      let isThere = address.isLoopback || snapshot.addresses.contains { $0.isUp && $0.address == address }
      return isThere ? [address] : []
    }
  }

  /// Whether this names the address itself, with one of these ports.
  func names(_ address: IPAddress, _ ports: ClosedRange<UInt16>) -> Bool {
    guard case .endpoint(let endpoint) = self else { return false }
    return endpoint.address == address && ports.contains(endpoint.port)
  }

  /// Whether a datagram to some address and port would be for both. Which addresses are eligible makes no difference.
  func overlaps(_ other: ListenSpecification) -> Bool {
    guard ports.overlaps(other.ports) else { return false }
    guard case .endpoint(let mine) = self, case .endpoint(let theirs) = other else { return true }
    return mine == theirs
  }
}

extension ListenSpecification: LosslessStringConvertible {
  /// Reads `PORT`, `LOW-HIGH`, `ADDRESS:PORT` or `[ADDRESS]:PORT`; nil for anything else.
  public init?(_ text: String) {
    do { try self.init(parsing: text) } catch { return nil }
  }

  /// `53`, `5000-5010`, `192.0.2.1:53` or `[fe80::1%eth0]:53`
  public var description: String {
    switch self {
    case .ports(let ports): PortRange.describe(ports)
    case .endpoint(let endpoint): endpoint.description
    }
  }
}

extension IPAddress {
  /// Reads an address as it stands before a port, and says what is wrong with it.
  init(beforePort text: Substring) throws(ConfigurationError) {
    if let address = IPAddress(bracketed: text) {
      self = address
    } else if let address = IPAddress(String(text)), !address.isIPv4 {
      throw .usage("an IPv6 address before a port stands in brackets: [\(text)]")
    } else if text.contains("%") {
      throw .usage("'\(text)' is not an address on an interface of this host; write it as [fe80::1%eth0]")
    } else {
      throw .usage("'\(text)' is not an address; give 192.0.2.1 or [2001:db8::1], not a host name")
    }
  }
}
