/// An IPv4 or IPv6 packet, read as far as we care (RFC 791, RFC 8200, RFC 768, RFC 792, RFC 4443).
public struct IPPacket: Hashable, Sendable {
  /// What the packet carries.
  public enum Content: Hashable, Sendable {
    /// A UDP datagram, or the first fragment of one.
    ///
    /// `length` is the payload's size as the UDP header tells it; `payload` is as much of it as the packet holds.
    case udp(sourcePort: UInt16, destinationPort: UInt16, length: Int, payload: [UInt8])
    /// An ICMP error: nobody listens where the quoted UDP datagram went. `length` is the ICMP message's size.
    case portUnreachable(quoted: Quote, length: Int)
    /// Anything else, by the protocol's number (or the last IPv6 extension header's); for ICMP with its type.
    case other(protocol: UInt8, icmpType: UInt8?, length: Int)
    /// A fragment that is not the first: its ports are elsewhere.
    case fragment(protocol: UInt8, offset: Int, length: Int)
  }

  /// The beginning of the datagram to which an ICMP error answers.
  public struct Quote: Hashable, Sendable {
    /// Who sent the datagram.
    public let source: Endpoint
    /// Where it went.
    public let destination: Endpoint

    /// A quoted datagram.
    public init(source: Endpoint, destination: Endpoint) {
      self.source = source
      self.destination = destination
    }
  }

  /// The sender; without scope, which is not part of a packet.
  public let source: IPAddress
  /// The receiver, without scope.
  public let destination: IPAddress
  /// TTL or hop limit.
  public let hopLimit: UInt8
  /// DSCP and ECN (RFC 2474, RFC 3168).
  public let trafficClass: UInt8
  /// What it carries.
  public let content: Content

  /// Reads a packet; nil when it contradicts itself or ends too early. Bytes behind its end (padding) are ignored.
  /// Checksums are not looked at.
  public init?(_ bytes: [UInt8]) {
    guard let header = IPHeader(Octets(bytes), mayBeCut: false), let content = Content(header) else { return nil }
    source = header.source
    destination = header.destination
    hopLimit = header.hopLimit
    trafficClass = header.trafficClass
    self.content = content
  }
}

extension IPPacket {
  /// Both ends and the payload's length, when this is a UDP datagram or the first fragment of one.
  public var udp: (source: Endpoint, destination: Endpoint, length: Int)? {
    guard case .udp(let from, let to, let length, _) = content else { return nil }
    return (Endpoint(source, from), Endpoint(destination, to), length)
  }

  /// What an ICMP port unreachable quotes, when this is one.
  public var refused: Quote? {
    guard case .portUnreachable(let quoted, _) = content else { return nil }
    return quoted
  }
}

extension IPPacket: CustomStringConvertible {
  /// The line of tcpdump -n, without the time: `IP 172.17.0.1.5678 > 172.17.0.2.40000: UDP, length 5`.
  public var description: String {
    let name = source.isIPv4 ? "IP" : "IP6"
    if case .udp(let from, let to, let length, _) = content {
      return "\(name) \(source).\(from) > \(destination).\(to): UDP, length \(length)"
    }
    return "\(name) \(source) > \(destination): \(rest)"
  }

  private var rest: String {
    switch content {
    case .portUnreachable(let quoted, let length):
      let port = "\(quoted.destination.address) udp port \(quoted.destination.port)"
      return source.isIPv4
        ? "ICMP \(port) unreachable, length \(length)"
        : "ICMP6, destination unreachable, unreachable port, \(port), length \(length)"
    case .other(_, .some(let type), let length):
      return "\(source.isIPv4 ? "ICMP" : "ICMP6"), type \(type), length \(length)"
    case .other(let number, nil, let length): return "ip-proto-\(number), length \(length)"
    case .fragment(let number, let offset, let length):
      return "ip-proto-\(number), fragment at \(offset), length \(length)"
    case .udp: return ""
    }
  }
}

extension IPPacket.Content {
  init?(_ header: IPHeader) {
    let body = header.body
    if header.fragmentOffset > 0 {
      self = .fragment(protocol: header.transport, offset: header.fragmentOffset, length: body.count)
    } else if header.transport == TransportProtocol.udp {
      self.init(datagram: body, isWhole: !header.moreFragments)
    } else if header.transport == (header.source.isIPv4 ? TransportProtocol.icmp : TransportProtocol.icmp6) {
      self.init(icmp: body, isIPv4: header.source.isIPv4)
    } else {
      self = .other(protocol: header.transport, icmpType: nil, length: body.count)
    }
  }

  private init?(datagram body: Octets, isWhole: Bool) {
    guard let from = body.uint16(at: 0), let to = body.uint16(at: 2), let length = body.uint16(at: 4) else {
      return nil
    }
    guard body.count >= 8, length >= 8, Int(length) <= body.count || !isWhole else { return nil }
    let payload = body.from(8)?.first(Int(length) - 8).bytes ?? []
    self = .udp(sourcePort: from, destinationPort: to, length: Int(length) - 8, payload: payload)
  }

  private init?(icmp body: Octets, isIPv4: Bool) {
    guard let type = body.uint8(at: 0), let code = body.uint8(at: 1), body.count >= 8 else { return nil }
    let isPortUnreachable = isIPv4 ? (type, code) == (3, 3) : (type, code) == (1, 4)
    if isPortUnreachable, let quoted = IPPacket.Quote(body.from(8), isIPv4: isIPv4) {
      self = .portUnreachable(quoted: quoted, length: body.count)
    } else {
      let number = isIPv4 ? TransportProtocol.icmp : TransportProtocol.icmp6
      self = .other(protocol: number, icmpType: type, length: body.count)
    }
  }
}

extension IPPacket.Quote {
  /// Reads what an ICMP error quotes: the header and at least the ports of a UDP datagram of the same family.
  init?(_ octets: Octets?, isIPv4: Bool) {
    guard let octets, let header = IPHeader(octets, mayBeCut: true), header.source.isIPv4 == isIPv4 else { return nil }
    guard header.transport == TransportProtocol.udp, header.fragmentOffset == 0 else { return nil }
    guard let from = header.body.uint16(at: 0), let to = header.body.uint16(at: 2) else { return nil }
    self.init(source: Endpoint(header.source, from), destination: Endpoint(header.destination, to))
  }
}
