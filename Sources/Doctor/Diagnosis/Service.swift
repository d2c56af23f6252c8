package import Linux

/// One program on one port: a row of the report.
package struct Service: Hashable, Sendable {
  /// Its port.
  package let port: UInt16
  /// The name of its processes; nil when none may be looked into, or when it is the kernel itself.
  package let name: String?
  /// Its processes, the oldest first.
  package let processes: [Int32]
  /// The user that its sockets belong to.
  package let user: UInt32
  /// Its sockets: both families', or several that share the port.
  package let sockets: [SurveyedSocket]

  /// A service in all its parts.
  package init(port: UInt16, name: String?, processes: [Int32], user: UInt32, sockets: [SurveyedSocket]) {
    self.port = port
    self.name = name
    self.processes = processes
    self.user = user
    self.sockets = sockets
  }

  /// Whether it is the kernel's own: WireGuard, VXLAN and the like.
  package var isKernel: Bool { sockets.allSatisfy(\.isKernels) }

  /// The addresses that its sockets are bound to, each once, the wildcard first.
  package var boundTo: [IPAddress] {
    var seen: Set<IPAddress> = []
    let open = sockets.filter { !$0.isConnected }
    let all = (open.isEmpty ? sockets : open).map(\.entry.local.address).filter { seen.insert($0).inserted }
    return all.filter(\.isWildcard) + all.filter { !$0.isWildcard }
  }

  /// The index of the interface that every socket is bound to (SO_BINDTODEVICE); 0 where they are not.
  package var interface: UInt32 {
    let all = Set(sockets.map(\.entry.interface))
    return all.count == 1 ? all.first ?? 0 : 0
  }

  /// Groups sockets into services, by port, then by name.
  package static func group(_ sockets: [SurveyedSocket]) -> [Service] {
    struct Key: Hashable {
      let port: UInt16
      let name: String?
      let user: UInt32
      let isKernel: Bool
    }
    let groups = Dictionary(grouping: sockets) { socket in
      let name = socket.holders.service?.name
      // Workers of one program may run as several users; of those whom we may not look into, the user is all we know.
      return Key(
        port: socket.entry.local.port, name: name, user: name == nil ? socket.entry.user : 0, isKernel: socket.isKernels
      )
    }
    return groups.map { key, sockets in
      let processes = Set(sockets.compactMap { $0.holders.service?.id })
      return Service(
        port: key.port, name: key.name, processes: processes.sorted(), user: sockets[0].entry.user, sockets: sockets)
    }.sorted { ($0.port, $0.name ?? "", $0.user) < ($1.port, $1.name ?? "", $1.user) }
  }
}

extension [SurveyedSocket] {
  /// The sockets of others, or of the same service, that are bound to one address, by that address: they take what it is
  /// asked before any wildcard socket does.
  func exact(port: UInt16) -> [IPAddress: SurveyedSocket] {
    let exact = filter { $0.entry.local.port == port && !$0.isWildcard && !$0.isKernels && !$0.isConnected }
    return Dictionary(exact.map { ($0.entry.local.address, $0) }) { first, _ in first }
  }
}

extension [SocketHolder] {
  /// The process that serves: the oldest, but systemd only where nobody else has the socket, for it keeps those that it
  /// has handed on (systemd.socket(5)).
  package var service: SocketHolder? { first { $0.id != 1 } ?? first }
}
