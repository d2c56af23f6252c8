package import Linux

/// Who listens on a port that the rule was applied to. It mends what sockets on the wildcard address answer; where there is
/// none, another port was meant, or the service is still to come.
package struct PortListeners: Hashable, Sendable {
  /// The port.
  package let port: UInt16
  /// Whether a socket is there that is bound to the wildcard address.
  package let hasWildcard: Bool
  /// Whether any socket is there.
  package let isEmpty: Bool
  /// One holder of each socket, where none is bound to the wildcard address; those that may be seen.
  package let holders: [SocketHolder]

  /// Listeners in all their parts.
  package init(_ port: UInt16, _ sockets: [UDPSocketEntry], holders: [SocketHolder] = []) {
    self.port = port
    self.holders = holders
    hasWildcard = sockets.contains(where: \.isWildcard)
    isEmpty = sockets.isEmpty
  }

  /// Whether all of them are a relay's.
  package var areRelays: Bool { !holders.isEmpty && holders.allSatisfy { $0.name == "multihomed" } }

  /// The processes, each once and a few of many: `named (pid 12)`.
  package var names: String {
    var seen: Set<Int32> = []
    let processes = holders.filter { seen.insert($0.id).inserted }.map(\.description)
    if processes.isEmpty { return "sockets of others" }
    let more = processes.count > 3 ? " and \(processes.count - 3) more" : ""
    return processes.prefix(3).joined(separator: ", ") + more
  }

  /// Looks at some ports of the network namespace that we are in; one that cannot be looked at is left out.
  static func on(_ ports: [UInt16]) -> [PortListeners] {
    ports.compactMap { port in
      guard let sockets = try? UDPSocketTable.read(port: port) else { return nil }
      // A walk through all of /proc, for which there is seldom a reason.
      let strangers = sockets.contains(where: \.isWildcard) ? [] : sockets
      let holders = SocketHolder.first(of: Set(strangers.map(\.inode)).subtracting([0]))
      return PortListeners(port, sockets, holders: holders.values.sorted { $0.id < $1.id })
    }
  }
}
