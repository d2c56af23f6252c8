import Glibc

/// Who holds a UDP port of this network namespace, as /proc tells it (proc(5)).
public struct PortHolder: Hashable, Sendable {
  /// The endpoint it is bound to; the address may be the wildcard.
  public let endpoint: Endpoint
  /// The user it belongs to.
  public let user: UInt32
  /// Its process, nil when we may not look into it.
  public let process: (id: Int32, name: String)?

  /// Compares by endpoint and process.
  public static func == (a: PortHolder, b: PortHolder) -> Bool {
    a.endpoint == b.endpoint && a.process?.id == b.process?.id
  }

  /// Hashes what is compared.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(endpoint)
    hasher.combine(process?.id)
  }

  /// The socket that keeps us from binding an endpoint: one on the same address, or on the wildcard. Nil when none is seen.
  public static func blocking(_ wanted: Endpoint) -> PortHolder? {
    let entries =
      SocketTableEntry.read("/proc/net/udp", isIPv4: true) + SocketTableEntry.read("/proc/net/udp6", isIPv4: false)
    let rivals = entries.filter { entry in
      entry.endpoint.port == wanted.port
        && (entry.endpoint.address.isWildcard || entry.endpoint.address == wanted.address.scoped(0))
    }
    // The most telling first: the very address, then the wildcard of its family.
    let rival =
      rivals.first { !$0.endpoint.address.isWildcard }
      ?? rivals.first { $0.endpoint.address.isIPv4 == wanted.address.isIPv4 } ?? rivals.first
    guard let rival else { return nil }
    return PortHolder(
      endpoint: rival.endpoint, user: rival.user, process: ProcessTable.process(holdingSocket: rival.inode))
  }
}

/// A line of /proc/net/udp or udp6.
struct SocketTableEntry {
  let endpoint: Endpoint
  let user: UInt32
  let inode: UInt64

  static func read(_ path: String, isIPv4: Bool) -> [SocketTableEntry] {
    guard let text = ProcFile.read(path) else { return [] }
    return text.split(separator: "\n").dropFirst().compactMap { SocketTableEntry($0, isIPv4: isIPv4) }
  }

  /// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`, the address in words of host order.
  init?(_ line: Substring, isIPv4: Bool) {
    let fields = line.split(separator: " ", omittingEmptySubsequences: true)
    guard fields.count > 9, let user = UInt32(fields[7]), let inode = UInt64(fields[9]) else { return nil }
    let local = fields[1].split(separator: ":")
    guard local.count == 2, let port = UInt16(local[1], radix: 16) else { return nil }
    guard let address = SocketTableEntry.address(local[0], isIPv4: isIPv4) else { return nil }
    endpoint = Endpoint(address, port)
    self.user = user
    self.inode = inode
  }

  private static func address(_ text: Substring, isIPv4: Bool) -> IPAddress? {
    var words: [UInt32] = []
    var rest = text
    while !rest.isEmpty {
      guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
      words.append(word.byteSwapped)
      rest = rest.dropFirst(8)
    }
    if isIPv4, words.count == 1 { return IPAddress(v4: words[0]) }
    guard words.count == 4 else { return nil }
    return IPAddress(v6: UInt64(words[0]) << 32 | UInt64(words[1]), UInt64(words[2]) << 32 | UInt64(words[3]))
  }
}

/// The processes of this host, as /proc shows them to us.
enum ProcessTable {
  static func process(holdingSocket inode: UInt64) -> (id: Int32, name: String)? {
    let wanted = "socket:[\(inode)]"
    for id in ProcFile.names(in: "/proc").compactMap({ Int32($0) }) {
      let folder = "/proc/\(id)/fd"
      for name in ProcFile.names(in: folder) where ProcFile.link("\(folder)/\(name)") == wanted {
        let command = ProcFile.read("/proc/\(id)/comm")?.split(separator: "\n").first.map(String.init)
        return (id, command ?? "?")
      }
    }
    return nil
  }
}
