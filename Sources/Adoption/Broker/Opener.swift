package import Linux

/// Opens listeners beside the wildcard sockets of a service, and leaves those as they were.
///
/// The kernel lets an address be bound beside a wildcard socket of the same port only if both sockets have SO_REUSEPORT and
/// belong to one user (socket(7)). So the option is set on the service's sockets for as long as one bind takes. With
/// SO_REUSEADDR, which would do as well, any local user could bind the same address meanwhile, and the newest socket would
/// take the traffic: even a window of 5 µs was won by an attacker (measured).
package struct Opener {
  private let port: UInt16
  private var finder = SocketFinder()

  /// For one port.
  package init(port: UInt16) { self.port = port }

  /// What can be told of the port's wildcard sockets, of those that would get what is sent to the backend, and of one more:
  /// it may be another adoption's.
  mutating func survey() -> [SocketFacts] {
    let entries = (try? UDPSocketTable.read(port: port)) ?? []
    let others = entries.filter { !$0.isWildcard && !$0.isOnLoopback && $0.peer == nil }
    return finder.facts(of: entries.filter { $0.isWildcard || $0.isOnLoopback } + others.prefix(1))
  }

  /// Opens the sockets of one listener, one for each worker.
  ///
  /// - Throws: ESRCH when no service holds the port any more, EADDRINUSE when somebody else holds the address, EPERM without
  ///   the rights, and what bind(2) throws.
  package mutating func open(_ address: IPAddress, workers: Int) throws(Errno) -> [Socket] {
    let entries = try UDPSocketTable.read(port: port)
    // With SO_REUSEPORT we might get in beside them.
    if entries.contains(where: { $0.local.address == address }) { throw .addressInUse }
    let wildcards = entries.filter { $0.isWildcard && $0.takes(ipv4: address.isIPv4) }
    guard let user = wildcards.first?.user else { throw .noProcess }
    guard wildcards.allSatisfy({ $0.user == user }) else { throw .notPermitted }
    return try opened(Endpoint(address, port), workers, beside: wildcards, of: user)
  }

  private mutating func opened(
    _ endpoint: Endpoint, _ workers: Int, beside wildcards: [UDPSocketEntry], of user: UInt32
  ) throws(Errno) -> [Socket] {
    var borrowed: [Socket] = []
    for entry in wildcards { borrowed.append(try finder.borrow(entry)) }
    let unshared = borrowed.filter { !$0.sharesPort }
    defer { for socket in unshared { try? socket.setSharesPort(false) } }
    for socket in unshared { try socket.setSharesPort(true) }
    let sockets = try Socket.listeners(
      on: endpoint, workers: workers, besideUser: user, staysShared: unshared.count < borrowed.count)
    try checkThatNobodySlippedIn(at: endpoint.address, beside: sockets)
    return sockets
  }

  /// The service's own user could have bound the same address in the same moment.
  private func checkThatNobodySlippedIn(at address: IPAddress, beside ours: [Socket]) throws(Errno) {
    let inodes = Set(ours.compactMap(\.inode))
    let entries = try UDPSocketTable.read(port: port)
    if entries.contains(where: { $0.local.address == address && !inodes.contains($0.inode) }) { throw .addressInUse }
  }
}
