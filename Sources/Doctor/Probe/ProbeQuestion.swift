/// What to ask a service so that it answers: a datagram of the protocol that its port is known for. None of them changes
/// anything.
package enum ProbeQuestion {
  /// The datagram, and what it is in one or two words.
  package static func of(port: UInt16) -> (name: String, bytes: [UInt8]) {
    switch port {
    case 53: ("DNS query", dns)
    case 69: ("TFTP read request", [0, 1] + text("multihomed-probe\0octet\0"))
    case 123: ("NTP request", [0x23] + zeros(47))
    case 161: ("SNMP get", snmp)
    case 1194: ("OpenVPN hard reset", [0x38] + text("mhdoctor") + zeros(5))
    case 3478: ("STUN binding request", [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42] + text("multihomed!!"))
    case 5060: ("SIP OPTIONS", sip)
    case 5683: ("CoAP get", [0x40, 1, 0x6d, 0x68, 0xbb] + text(".well-known") + [4] + text("core"))
    case 11211: ("memcached version", [0x6d, 0x68, 0, 0, 0, 1, 0, 0] + text("version\r\n"))
    case 27015: ("Source query", mark + text("TSource Engine Query\0"))
    case 27960: ("Quake III status", mark + text("getstatus\n"))
    default: ("text", text("multihomed doctor --probe\n"))
    }
  }

  private static let mark: [UInt8] = [0xff, 0xff, 0xff, 0xff]

  /// The name servers of the root, with recursion desired (RFC 1035, 4): refused or not, it is answered.
  private static let dns: [UInt8] = [0x6d, 0x68, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1]

  /// GetRequest of sysUpTime.0, SNMPv2c, community public (RFC 3416).
  private static let snmp: [UInt8] =
    [0x30, 0x26, 2, 1, 1, 4, 6] + text("public")
    + [0xa0, 0x19, 2, 1, 1, 2, 1, 0, 2, 1, 0, 0x30, 0x0e, 0x30, 0x0c, 6, 8, 0x2b, 6, 1, 2, 1, 1, 3, 0, 5, 0]

  /// RFC 3261, 11. With `rport`, the answer comes to where the question came from (RFC 3581).
  private static let sip = text(
    """
    OPTIONS sip:probe@invalid SIP/2.0\r
    Via: SIP/2.0/UDP probe.invalid;rport;branch=z9hG4bKmultihomed\r
    Max-Forwards: 70\r
    From: <sip:probe@probe.invalid>;tag=mh\r
    To: <sip:probe@invalid>\r
    Call-ID: multihomed-probe\r
    CSeq: 1 OPTIONS\r
    Content-Length: 0\r
    \r

    """)

  private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
  private static func zeros(_ count: Int) -> [UInt8] { Array(repeating: 0, count: count) }
}
