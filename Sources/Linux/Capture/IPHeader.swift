/// Protocol numbers (netinet/in.h, IPPROTO_*), and the IPv6 extension headers that may stand before them.
enum TransportProtocol {
  static let icmp: UInt8 = 1
  static let udp: UInt8 = 17
  static let icmp6: UInt8 = 58
  static let fragment: UInt8 = 44
  /// Hop-by-hop options, routing, destination options: all with their length in their second byte.
  static let skipped: Set<UInt8> = [0, 43, 60]
}

/// Bytes that can be read only within their bounds.
struct Octets {
  private let slice: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { slice = bytes[...] }
  private init(_ slice: ArraySlice<UInt8>) { self.slice = slice }

  var count: Int { slice.count }
  var bytes: [UInt8] { [UInt8](slice) }

  func uint8(at offset: Int) -> UInt8? {
    offset >= 0 && offset < slice.count ? slice[slice.startIndex + offset] : nil
  }

  func uint16(at offset: Int) -> UInt16? {
    guard let high = uint8(at: offset), let low = uint8(at: offset + 1) else { return nil }
    return UInt16(high) << 8 | UInt16(low)
  }

  func uint32(at offset: Int) -> UInt32? {
    guard let high = uint16(at: offset), let low = uint16(at: offset + 2) else { return nil }
    return UInt32(high) << 16 | UInt32(low)
  }

  func uint64(at offset: Int) -> UInt64? {
    guard let high = uint32(at: offset), let low = uint32(at: offset + 4) else { return nil }
    return UInt64(high) << 32 | UInt64(low)
  }

  /// What is left from an offset on; nil when the offset lies behind the end.
  func from(_ offset: Int) -> Octets? {
    offset <= slice.count ? Octets(slice.dropFirst(offset)) : nil
  }

  /// At most so many bytes.
  func first(_ length: Int) -> Octets { Octets(slice.prefix(length)) }
}

/// The header of a packet, and what follows it.
struct IPHeader {
  private(set) var source = IPAddress.anyIPv4
  private(set) var destination = IPAddress.anyIPv4
  private(set) var trafficClass: UInt8 = 0
  private(set) var hopLimit: UInt8 = 0
  private(set) var transport: UInt8 = 0
  /// Where this fragment's bytes belong; 0 in a packet that is whole.
  private(set) var fragmentOffset = 0
  private(set) var moreFragments = false
  private(set) var body: Octets

  /// Reads a header.
  ///
  /// - Parameter mayBeCut: whether the packet may be longer than the bytes, as it is where an ICMP error quotes it.
  init?(_ octets: Octets, mayBeCut: Bool) {
    body = octets
    switch octets.uint8(at: 0).map({ $0 >> 4 }) {
    case 4: guard readIPv4(octets, mayBeCut) else { return nil }
    case 6: guard readIPv6(octets, mayBeCut) else { return nil }
    default: return nil
    }
  }

  private mutating func readIPv4(_ octets: Octets, _ mayBeCut: Bool) -> Bool {
    guard let first = octets.uint8(at: 0), let trafficClass = octets.uint8(at: 1), let total = octets.uint16(at: 2),
      let fragment = octets.uint16(at: 6), let hopLimit = octets.uint8(at: 8), let transport = octets.uint8(at: 9),
      let from = octets.uint32(at: 12), let to = octets.uint32(at: 16)
    else { return false }
    let length = Int(first & 15) * 4
    guard length >= 20, Int(total) >= length, Int(total) <= octets.count || mayBeCut else { return false }
    guard let body = octets.first(Int(total)).from(length) else { return false }
    source = IPAddress(v4: from)
    destination = IPAddress(v4: to)
    self.trafficClass = trafficClass
    self.hopLimit = hopLimit
    self.transport = transport
    fragmentOffset = Int(fragment & 0x1fff) * 8
    moreFragments = fragment & 0x2000 != 0
    self.body = body
    return true
  }

  private mutating func readIPv6(_ octets: Octets, _ mayBeCut: Bool) -> Bool {
    guard let first = octets.uint16(at: 0), let length = octets.uint16(at: 4), let next = octets.uint8(at: 6),
      let hopLimit = octets.uint8(at: 7), let fromHigh = octets.uint64(at: 8), let fromLow = octets.uint64(at: 16),
      let toHigh = octets.uint64(at: 24), let toLow = octets.uint64(at: 32), let rest = octets.from(40)
    else { return false }
    guard Int(length) <= rest.count || mayBeCut else { return false }
    source = IPAddress(v6: fromHigh, fromLow)
    destination = IPAddress(v6: toHigh, toLow)
    trafficClass = UInt8(truncatingIfNeeded: first >> 4)
    self.hopLimit = hopLimit
    transport = next
    body = rest.first(Int(length))
    return skipExtensions()
  }

  /// Each turn takes at least eight bytes, so it ends.
  private mutating func skipExtensions() -> Bool {
    while fragmentOffset == 0 {
      let isFragment = transport == TransportProtocol.fragment
      guard isFragment || TransportProtocol.skipped.contains(transport) else { return true }
      guard let next = body.uint8(at: 0), let length = body.uint8(at: 1), let place = body.uint16(at: 2),
        let rest = body.from(isFragment ? 8 : (Int(length) + 1) * 8)
      else { return false }
      if isFragment {
        fragmentOffset = Int(place & 0xfff8)
        moreFragments = place & 1 != 0
      }
      transport = next
      body = rest
    }
    return true
  }
}
