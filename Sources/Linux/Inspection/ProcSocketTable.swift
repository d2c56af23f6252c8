/// /proc/net/udp and udp6 (proc(5)), for kernels without udp_diag: the same list with fewer columns.
package enum ProcSocketTable {
  package static func read() -> [UDPSocketEntry] {
    read("/proc/thread-self/net/udp", isIPv6: false) + read("/proc/thread-self/net/udp6", isIPv6: true)
  }

  private static func read(_ path: String, isIPv6: Bool) -> [UDPSocketEntry] {
    guard let text = ProcFile.read(path) else { return [] }
    return text.split(separator: "\n").dropFirst().compactMap { entry($0, isIPv6: isIPv6) }
  }

  /// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`; state 01 is connected.
  package static func entry(_ line: Substring, isIPv6: Bool) -> UDPSocketEntry? {
    let fields = line.split(separator: " ", omittingEmptySubsequences: true)
    guard fields.count > 9, let user = UInt32(fields[7]), let inode = UInt64(fields[9]) else { return nil }
    guard let local = endpoint(fields[1], isIPv6: isIPv6) else { return nil }
    let peer = fields[3] == "01" ? endpoint(fields[2], isIPv6: isIPv6) : nil
    return UDPSocketEntry(local: local, peer: peer, isIPv6: isIPv6, user: user, inode: inode)
  }

  /// `0100007F:162E`: the address in words of the host's order, the port as a number.
  private static func endpoint(_ text: Substring, isIPv6: Bool) -> Endpoint? {
    let parts = text.split(separator: ":")
    guard parts.count == 2, let port = UInt16(parts[1], radix: 16) else { return nil }
    var words: [UInt32] = []
    var rest = parts[0]
    while !rest.isEmpty {
      guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
      words.append(word.byteSwapped)
      rest = rest.dropFirst(8)
    }
    if !isIPv6 { return words.count == 1 ? Endpoint(IPAddress(v4: words[0]), port) : nil }
    guard words.count == 4 else { return nil }
    let (high, low) = (UInt64(words[0]) << 32 | UInt64(words[1]), UInt64(words[2]) << 32 | UInt64(words[3]))
    return Endpoint(IPAddress(v6: high, low), port)
  }
}
