/// What getifaddrs(3) does not tell of IPv6 addresses (proc(5), /proc/net/if_inet6).
public enum IPv6Readiness {
  /// IFA_F_DADFAILED and IFA_F_TENTATIVE (linux/if_addr.h).
  private static let unusable: UInt32 = 0x08 | 0x40

  /// The addresses of the calling thread's network namespace that nobody can ask yet, or ever: their duplicate address
  /// detection goes on, or has found a duplicate (RFC 4862, 5.4). Link-local ones with their scope.
  public static func unusableAddresses() -> Set<IPAddress> {
    let text = ProcFile.read("/proc/thread-self/net/if_inet6") ?? ""
    return Set(text.split(separator: "\n").compactMap { address($0) })
  }

  /// `fe8000000000000000000000000000d0 02 40 20 c0     eth0`: address, index, prefix length, scope, flags, name.
  package static func address(_ line: Substring) -> IPAddress? {
    let fields = line.split(separator: " ", omittingEmptySubsequences: true)
    guard fields.count == 6, fields[0].utf8.count == 32, let flags = UInt32(fields[4], radix: 16) else { return nil }
    guard flags & unusable != 0, let index = UInt32(fields[1], radix: 16) else { return nil }
    guard let high = UInt64(fields[0].prefix(16), radix: 16), let low = UInt64(fields[0].suffix(16), radix: 16) else {
      return nil
    }
    let address = IPAddress(v6: high, low)
    return address.isLinkLocalIPv6 ? address.scoped(index) : address
  }
}
