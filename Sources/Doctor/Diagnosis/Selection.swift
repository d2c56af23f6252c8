import Linux

/// Which sockets are looked at as services, and which are left out.
struct Selection {
  /// Looked at.
  private(set) var services: [Service] = []
  /// Left out because clients most likely have made them.
  private(set) var clients: [Service] = []
  /// How many sockets are left out because they are bound to one address.
  private(set) var exactSockets = 0

  init(_ host: Host, _ scope: Scope) {
    switch scope {
    case .port(let port): services = Service.group(host.sockets.filter { $0.entry.local.port == port })
    case .everything: services = Service.group(host.sockets.filter { !$0.isConnected })
    case .services:
      let signs = ServiceSigns(host)
      let wildcards = host.sockets.filter(\.isWildcard)
      services = Service.group(wildcards.filter(signs.areOn))
      clients = Service.group(wildcards.filter { !signs.areOn($0) })
      exactSockets = host.sockets.count { !$0.isWildcard && !$0.isConnected && !$0.entry.local.address.isLoopback }
    }
  }
}

/// By what a service's socket on the wildcard is told from a client's.
///
/// A client's has a port that the kernel chose, out of net.ipv4.ip_local_port_range. A service's may lie there, too, and the
/// kernel does not tell who bound a port by its number (SOCK_BINDPORT_LOCK) nor how old a socket is. So within the range, a
/// sign is asked for that the kernel's choice does not leave.
struct ServiceSigns {
  private let host: Host
  private let socketsAt: [UInt16: Int]

  /// Ports of clients below the range: DHCP's (RFC 2131, RFC 8415).
  private static let clientPorts: Set<UInt16> = [68, 546]

  /// Ports within the range that services are known by: Factorio, Tailscale, EtherNet/IP, BACnet, Transmission, WireGuard.
  private static let servicePorts: Set<UInt16> = [34_197, 41_641, 44_818, 47_808, 51_413, 51_820]

  init(_ host: Host) {
    self.host = host
    socketsAt = host.sockets.reduce(into: [:]) { counts, socket in
      if !socket.isConnected { counts[socket.entry.local.port, default: 0] += 1 }
    }
  }

  /// Whether a wildcard socket is a service's.
  func areOn(_ socket: SurveyedSocket) -> Bool {
    let port = socket.entry.local.port
    if socket.isKernels { return true }
    if Self.clientPorts.contains(port) { return false }
    return !host.isClientsPort(port) || isKnown(port) || isShared(port) || letsOthersIn(socket)
  }

  /// Known as a service's, or made one by whoever applied a rule to it.
  private func isKnown(_ port: UInt16) -> Bool {
    Self.servicePorts.contains(port) || host.mendedPorts?.contains(port) == true
  }

  /// The kernel chooses a port that nobody has: both families' sockets on one, or several threads', or a relay's in front of
  /// it, were bound by its number.
  private func isShared(_ port: UInt16) -> Bool { socketsAt[port, default: 0] > 1 }

  /// Asked for by those who want a certain port in spite of others (SO_REUSEADDR, SO_REUSEPORT).
  private func letsOthersIn(_ socket: SurveyedSocket) -> Bool {
    socket.knownSettings.map { $0.sharesPort || $0.reusesAddress } ?? false
  }
}
