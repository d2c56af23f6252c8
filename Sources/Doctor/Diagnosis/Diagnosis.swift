package import Linux

/// What is wrong on one host, and what is not: a value made of values.
package struct Diagnosis: Sendable {
  /// A service and what is to be said of it.
  package struct Finding: Hashable, Sendable {
    /// The service.
    package let service: Service
    /// What is to be said of it.
    package let verdict: Verdict
  }

  /// What the kernel answers to a question; nil where nothing would be sent.
  package typealias Choices = [RouteQuestion: IPAddress]

  /// The host.
  package let host: Host
  /// The services to be shown, sorted by port.
  package let findings: [Finding]
  /// Sockets that are left out because they are most likely clients' own.
  package let clientSockets: Int
  /// Sockets that are left out because they are bound to one address.
  package let exactSockets: Int
  /// What services answered when they were really asked.
  package var probes: [ProbeResult] = []

  /// The questions to be put to the kernel, in this host's namespace, before a diagnosis can be made.
  package static func questions(_ host: Host, _ kinds: [ClientKind], port: UInt16? = nil) -> Set<RouteQuestion> {
    let services = Selection(host, port: port).services
    return Set(
      services.flatMap { service in
        service.sockets.filter(\.isWildcard).flatMap { socket in
          kinds.map { RouteQuestion(from: socket, to: $0.representative) }
        }
      })
  }

  /// Makes the diagnosis.
  ///
  /// - Parameters:
  ///   - kinds: the kinds of clients (`ClientKinds`).
  ///   - choices: the kernel's answers.
  ///   - port: the only one of interest; nil for all.
  package init(_ host: Host, _ kinds: [ClientKind], _ choices: Choices, port: UInt16? = nil) {
    let selection = Selection(host, port: port)
    self.host = host
    clientSockets = selection.clientSockets
    exactSockets = selection.exactSockets
    findings = selection.services.map { service in
      Finding(service: service, verdict: Examination(service, host, kinds, choices).verdict)
    }
  }

  /// Whether nothing has to be done: no service is faulty, or may be, and none that was asked has answered wrongly.
  package var isHealthy: Bool {
    findings.allSatisfy(\.verdict.isHealthy) && !probes.contains { $0.exchanges.contains { $0.isWrong == true } }
  }
}

extension RouteQuestion {
  /// How the kernel would be asked by this socket's reply.
  init(from socket: SurveyedSocket, to client: IPAddress) {
    let settings = socket.knownSettings ?? SocketSettings()
    let chosen = client.isIPv4 ? settings.interfaceV4 : settings.interfaceV6
    let bound = socket.entry.interface
    self.init(
      to: client, interface: bound != 0 ? bound : chosen, mark: settings.mark, user: socket.entry.user,
      port: socket.entry.local.port)
  }
}

/// Which sockets are looked at as services.
private struct Selection {
  var services: [Service] = []
  var clientSockets = 0
  var exactSockets = 0

  /// Ports of clients below the ephemeral range: DHCP's (RFC 2131, RFC 8415).
  private static let clientPorts: Set<UInt16> = [68, 546]

  init(_ host: Host, port: UInt16?) {
    if let port {
      services = Service.group(host.sockets.filter { $0.entry.local.port == port })
      return
    }
    let wildcards = host.sockets.filter(\.isWildcard)
    let clients = wildcards.filter { socket in
      let port = socket.entry.local.port
      return !socket.isKernels && (host.ephemeralPorts.contains(port) || Self.clientPorts.contains(port))
    }
    clientSockets = clients.count
    exactSockets = host.sockets.count { !$0.isWildcard && !$0.isConnected && !$0.entry.local.address.isLoopback }
    let left = Set(clients)
    services = Service.group(wildcards.filter { !left.contains($0) })
  }
}
