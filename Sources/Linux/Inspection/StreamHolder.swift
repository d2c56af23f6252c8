/// Who listens on a TCP port or a Unix socket (proc(5)).
public struct StreamHolder: Sendable {
  /// Its process, nil when we may not look into it.
  public let process: SocketHolder?
  /// The endpoint that it listens on, whose address may be the wildcard; nil for a Unix socket.
  public let endpoint: Endpoint?

  /// Who keeps us from listening. Nil when nobody is seen.
  public static func blocking(_ place: ListeningSocket.Place) -> StreamHolder? {
    switch place {
    case .network(let endpoint): blocking(endpoint)
    case .file(let path):
      inode(ofSocketAt: path).map { StreamHolder(process: SocketHolder.first(of: [$0])[$0], endpoint: nil) }
    }
  }

  private static func blocking(_ wanted: Endpoint) -> StreamHolder? {
    let entries =
      listeners("/proc/thread-self/net/tcp", isIPv6: false)
      + listeners("/proc/thread-self/net/tcp6", isIPv6: true)
    let rivals = entries.filter { $0.local.port == wanted.port }
    let rival =
      rivals.first { $0.local.address == wanted.address.scoped(0) } ?? rivals.first { $0.local.address.isWildcard }
      ?? (wanted.address.isWildcard ? rivals.first : nil)
    guard let rival else { return nil }
    return StreamHolder(process: SocketHolder.first(of: [rival.inode])[rival.inode], endpoint: rival.local)
  }

  /// The same columns as those of UDP sockets; state 0A is listening.
  private static func listeners(_ path: String, isIPv6: Bool) -> [UDPSocketEntry] {
    guard let text = ProcFile.read(path) else { return [] }
    return text.split(separator: "\n").dropFirst().compactMap { line in
      let fields = line.split(separator: " ", omittingEmptySubsequences: true)
      return fields.count > 3 && fields[3] == "0A" ? ProcSocketTable.entry(line, isIPv6: isIPv6) : nil
    }
  }

  /// `Num RefCount Protocol Flags Type St Inode Path`; flag 10000 is listening.
  private static func inode(ofSocketAt path: String) -> UInt64? {
    guard let text = ProcFile.read("/proc/thread-self/net/unix") else { return nil }
    for line in text.split(separator: "\n").dropFirst() {
      let fields = line.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: true)
      if fields.count == 8, fields[7] == path, fields[3] == "00010000" { return UInt64(fields[6]) }
    }
    return nil
  }
}
