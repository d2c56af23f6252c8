package import Linux

/// Who the probe's client is: addresses that are set aside for measurements, and that no route of the host leads to.
package enum ProbeAddresses {
  /// 198.18.0.0/15 (RFC 2544), of whose first half the third byte is free to choose.
  private static let benchmarkV4: UInt32 = 0xc612_004d
  /// 2001:2::/48 (RFC 5180), whose fourth word is free to choose.
  private static let benchmarkV6: UInt64 = 0x2001_0002_0000_0000

  /// A client's address of either family; nil where all are in use.
  package static func free(on host: Host, isIPv4: Bool) -> IPAddress? {
    let taken = host.routes.map(\.destination).filter { $0.prefixLength > 0 }
    let candidates = (0..<256).lazy.map { number in
      isIPv4
        ? IPAddress(v4: benchmarkV4 + UInt32(number) << 8) : IPAddress(v6: benchmarkV6 + UInt64(number), 0x4d)
    }
    return candidates.first { candidate in !taken.contains { $0.contains(candidate) } }
  }
}
