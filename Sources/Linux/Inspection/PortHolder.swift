/// Who holds a UDP port of this network namespace.
public struct PortHolder: Sendable {
  /// The endpoint it is bound to; the address may be the wildcard.
  public let endpoint: Endpoint
  /// The user it belongs to.
  public let user: UInt32
  /// Its process, nil when we may not look into it.
  public let process: SocketHolder?

  /// The socket that keeps us from binding an endpoint: one on the same address, or on the wildcard. Nil when none is seen.
  public static func blocking(_ wanted: Endpoint) -> PortHolder? {
    guard let entries = try? UDPSocketTable.read(port: wanted.port) else { return nil }
    let rivals = entries.filter {
      $0.local.address.isWildcard || $0.local.address.scoped(0) == wanted.address.scoped(0)
    }
    // The most telling first: the very address, then the wildcard of its family.
    let rival =
      rivals.first { !$0.local.address.isWildcard }
      ?? rivals.first { $0.local.address.isIPv4 == wanted.address.isIPv4 } ?? rivals.first
    guard let rival else { return nil }
    return PortHolder(
      endpoint: rival.local, user: rival.user, process: SocketHolder.first(of: [rival.inode])[rival.inode])
  }
}
