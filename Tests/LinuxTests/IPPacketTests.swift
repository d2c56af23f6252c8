import Linux
import Testing

/// Bytes from hexadecimal text; blanks are free.
private func bytes(_ hex: String) -> [UInt8] {
  let digits = hex.filter { !$0.isWhitespace }
  return stride(from: 0, to: digits.count, by: 2).map { place in
    let start = digits.index(digits.startIndex, offsetBy: place)
    return UInt8(digits[start...].prefix(2), radix: 16) ?? 0
  }
}

/// 172.17.0.1:5678 > 172.17.0.2:40000, "hello", TTL 64, TOS 0xb8.
private let udp4 = "45b8 0021 1234 4000 4011 0000 ac110001 ac110002" + "162e 9c40 000d 0000 68656c6c6f"
/// fd17::1:5678 > fd17::2:40000, "hello", hop limit 63, traffic class 0xb8.
private let head6 = "6b80 0000 000d 11 3f fd170000000000000000000000000001 fd170000000000000000000000000002"
private let udp6 = head6 + "162e 9c40 000d 0000 68656c6c6f"
/// 172.17.0.2 answers to udp4: port unreachable.
private let refused4 = "45c0 003d 0001 0000 4001 0000 ac110002 ac110001" + "0303 0000 00000000" + udp4
/// fd17::2 answers to udp6: port unreachable.
private let refused6 =
  "6000 0000 003d 3a 40 fd170000000000000000000000000002 fd170000000000000000000000000001" + "0104 0000 00000000" + udp6

/// Addresses of the tables below: fd17::1 to fd17::2.
private let ends6 = "fd170000000000000000000000000001 fd170000000000000000000000000002"
/// 10.0.0.1 to 10.0.0.2, and back.
private let ends4 = "0a000001 0a000002"
private let back4 = "0a000002 0a000001"

private let readings: [(hex: String, line: String)] = [
  (udp4, "IP 172.17.0.1.5678 > 172.17.0.2.40000: UDP, length 5"),
  (udp6, "IP6 fd17::1.5678 > fd17::2.40000: UDP, length 5"),
  (refused4, "IP 172.17.0.2 > 172.17.0.1: ICMP 172.17.0.2 udp port 40000 unreachable, length 41"),
  (
    refused6,
    "IP6 fd17::2 > fd17::1: ICMP6, destination unreachable, unreachable port, fd17::2 udp port 40000, length 61"
  ),
  // An empty datagram, padded to the smallest Ethernet frame.
  (
    "4500 001c 0000 0000 4011 0000 \(ends4) 0001 0002 0008 0000 000000000000000000000000",
    "IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0"
  ),
  // Four bytes of IPv4 options.
  (
    "4600 0020 0000 0000 4011 0000 \(ends4) 01010100 0001 0002 0008 0000",
    "IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0"
  ),
  // The first fragment of a datagram of 1,000 bytes, and a later one.
  (
    "4500 0024 0007 2000 4011 0000 \(ends4) 0001 0002 03f0 0000 0102030405060708",
    "IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 1000"
  ),
  (
    "4500 001c 0007 0002 4011 0000 \(ends4) 0102030405060708",
    "IP 10.0.0.1 > 10.0.0.2: ip-proto-17, fragment at 16, length 8"
  ),
  // Hop-by-hop options of 16 bytes, then a fragment header, then UDP.
  (
    """
    6000 0000 0020 00 40 \(ends6)
    2c01 0104 00000000 0000000000000000  1100 0001 00000009  0001 0002 03f0 0000
    """,
    "IP6 fd17::1.1 > fd17::2.2: UDP, length 1000"
  ),
  (
    "6000 0000 0010 2c 40 \(ends6) 1100 0010 00000009  0001 0002 03f0 0000",
    "IP6 fd17::1 > fd17::2: ip-proto-17, fragment at 16, length 8"
  ),
  // An echo request, a neighbour solicitation, TCP, IPv6 without next header.
  ("4500 001c 0000 0000 4001 0000 \(ends4) 0800 0000 00010001", "IP 10.0.0.1 > 10.0.0.2: ICMP, type 8, length 8"),
  ("6000 0000 0008 3a ff \(ends6) 8700 0000 00000000", "IP6 fd17::1 > fd17::2: ICMP6, type 135, length 8"),
  ("4500 0016 0000 0000 4006 0000 \(ends4) 0001", "IP 10.0.0.1 > 10.0.0.2: ip-proto-6, length 2"),
  ("6000 0000 0000 3b 40 \(ends6)", "IP6 fd17::1 > fd17::2: ip-proto-59, length 0"),
  // A port unreachable that quotes TCP is not about us.
  (
    """
    4500 0038 0000 0000 4001 0000 \(back4) 0303 0000 00000000
    4500 0028 0000 0000 4006 0000 \(ends4) 0001 0002 00000000
    """,
    "IP 10.0.0.2 > 10.0.0.1: ICMP, type 3, length 36"
  ),
]

@Test(arguments: readings)
func aPacketReadsAsTcpdumpPrintsIt(hex: String, line: String) {
  #expect(IPPacket(bytes(hex))?.description == line)
}

private let contradictions: [(what: String, hex: String)] = [
  ("nothing", ""),
  ("no version that we know", "55\(udp4.dropFirst(2))"),
  ("an IPv4 header of less than 20 bytes", "44\(udp4.dropFirst(2))"),
  ("a total length below the header's", "4500 0013\(udp4.dropFirst(9))"),
  ("a total length beyond the bytes", "4500 0022\(udp4.dropFirst(9))"),
  ("a UDP length beyond the packet", udp4.replacing("000d", with: "000e")),
  ("a UDP length below its header's", udp4.replacing("000d", with: "0007")),
  ("an IPv6 payload length beyond the bytes", udp6.replacing("0000 000d", with: "0000 000e")),
  ("an extension header that ends behind the packet", "6000 0000 0008 3c 40 \(ends6) 1101 0000 00000000"),
  ("an ICMP message of four bytes", "4500 0018 0000 0000 4001 0000 \(ends4) 0800 0000"),
]

@Test(arguments: contradictions)
func aPacketThatContradictsItselfIsNotRead(what: String, hex: String) {
  #expect(IPPacket(bytes(hex)) == nil, "\(what)")
}

@Test(arguments: [udp4, udp6, refused4, refused6])
func aPacketCutAnywhereIsNotRead(hex: String) {
  let whole = bytes(hex)
  for length in 0..<whole.count { #expect(IPPacket([UInt8](whole.prefix(length))) == nil, "first \(length) bytes") }
}

@Test(arguments: [udp4, udp6, refused4, refused6])
func anyBytesAtAllCanBeGivenToTheReader(hex: String) {
  // Each byte in turn takes every value; nothing may trap.
  let whole = bytes(hex)
  for place in whole.indices {
    for value in UInt8.min...UInt8.max {
      var changed = whole
      changed[place] = value
      _ = IPPacket(changed)?.description
    }
  }
}

@Test func aDatagramTellsItsEndsItsPayloadAndItsHeaderFields() throws {
  let packet = try #require(IPPacket(bytes(udp4)))
  #expect(packet.udp?.source == Endpoint("172.17.0.1:5678"))
  #expect(packet.udp?.destination == Endpoint("172.17.0.2:40000"))
  #expect(packet.content == .udp(sourcePort: 5678, destinationPort: 40000, length: 5, payload: [UInt8]("hello".utf8)))
  #expect(packet.hopLimit == 64)
  #expect(packet.trafficClass == 0xb8)
  let packet6 = try #require(IPPacket(bytes(udp6)))
  #expect(packet6.hopLimit == 63)
  #expect(packet6.trafficClass == 0xb8)
}

@Test func aRefusalTellsWhichDatagramItAnswers() throws {
  for (hex, from, to) in [
    (refused4, "172.17.0.1:5678", "172.17.0.2:40000"), (refused6, "[fd17::1]:5678", "[fd17::2]:40000"),
  ] {
    let quote = try #require(IPPacket(bytes(hex))?.refused)
    #expect(quote.source == Endpoint(from))
    #expect(quote.destination == Endpoint(to))
  }
}
