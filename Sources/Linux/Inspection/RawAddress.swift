/// Sixteen bytes of a C structure: an IPv6 address in network order, or an IPv4 address and twelve bytes without meaning.
typealias RawAddress = (
  UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8
)

extension IPAddress {
  /// Reads what the kernel wrote.
  init(_ bytes: RawAddress, isIPv6: Bool) {
    self = unsafe withUnsafeBytes(of: bytes) { raw in
      guard isIPv6 else { return unsafe IPAddress(v4: UInt32(bigEndian: raw.loadUnaligned(as: UInt32.self))) }
      let high = unsafe UInt64(bigEndian: raw.loadUnaligned(as: UInt64.self))
      let low = unsafe UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      return IPAddress(v6: high, low)
    }
  }

  /// The bytes as the kernel reads them.
  var rawBytes: RawAddress {
    var bytes: RawAddress = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    unsafe withUnsafeMutableBytes(of: &bytes) { raw in
      if isIPv4 {
        unsafe raw.storeBytes(of: v4.bigEndian, as: UInt32.self)
      } else {
        unsafe raw.storeBytes(of: high.bigEndian, as: UInt64.self)
        unsafe raw.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
    }
    return bytes
  }
}
