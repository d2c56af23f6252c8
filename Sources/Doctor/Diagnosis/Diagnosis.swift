package import Linux

/// What is wrong on one host, and what is not: a value made of values.
package struct Diagnosis: Sendable {
  /// A service and what is to be said of it.
  package struct Finding: Hashable, Sendable {
    /// The service.
    package let service: Service
    /// What is to be said of it.
    package let verdict: Verdict
    /// What it does with its socket.
    package let habit: Habit
  }

  /// What the kernel answers to a question; nil where nothing would be sent.
  package typealias Choices = [RouteQuestion: IPAddress]

  /// The host.
  package let host: Host
  /// The services to be shown, sorted by port.
  package private(set) var findings: [Finding]
  /// Whose sockets are left out because they are most likely clients' own.
  package let leftOut: [Service]
  /// How many sockets are left out because they are bound to one address.
  package let exactSockets: Int
  /// Clients that were named and that no route leads to, so that nobody answers them.
  package let clientsWithoutRoute: [IPAddress]
  /// What services answered when they were really asked.
  package private(set) var probes: [ProbeResult] = []

  /// The questions to be put to the kernel, in this host's namespace, before a diagnosis can be made.
  package static func questions(_ host: Host, _ kinds: [ClientKind], _ scope: Scope = .services) -> Set<RouteQuestion> {
    let sockets = Selection(host, scope).services.flatMap { $0.sockets.filter(\.isWildcard) }
    let replies = sockets.flatMap { socket in
      kinds.map { RouteQuestion(from: socket, to: $0.representative) }
    }
    return Set(replies + kinds.filter { $0.origin == .given }.map(\.plainQuestion))
  }

  /// Makes the diagnosis.
  ///
  /// - Parameters:
  ///   - kinds: the kinds of clients (`ClientKinds`).
  ///   - choices: the kernel's answers.
  package init(_ host: Host, _ kinds: [ClientKind], _ choices: Choices, _ scope: Scope = .services) {
    let selection = Selection(host, scope)
    self.host = host
    leftOut = selection.clients
    exactSockets = selection.exactSockets
    let byPort = Dictionary(grouping: host.sockets, by: \.entry.local.port)
    findings = selection.services.map { service in
      let neighbours = byPort[service.port] ?? []
      let habit = Habit(of: service, on: host)
      let examination = Examination(service, habit, among: neighbours, host, kinds, choices)
      return Finding(service: service, verdict: examination.verdict, habit: habit)
    }
    let reached = Set(choices.keys.map(\.destination))
    clientsWithoutRoute = kinds.filter { $0.origin == .given && !reached.contains($0.representative) }
      .map(\.representative)
  }

  /// Puts in what services answered. A wrong answer is proof, whatever was to be expected.
  package mutating func take(_ results: [ProbeResult]) {
    probes = results
    let byService = Dictionary(results.map { ($0.service, $0) }) { first, _ in first }
    findings = findings.map { finding in
      guard let verdict = byService[finding.service]?.overriding(finding.verdict) else { return finding }
      return Finding(service: finding.service, verdict: verdict, habit: finding.habit)
    }
  }

  /// Whether nothing has to be done: no service is faulty, or may be, and none that was asked has answered wrongly.
  package var isHealthy: Bool {
    findings.allSatisfy(\.verdict.isHealthy) && !probes.contains { $0.exchanges.contains { $0.isWrong == true } }
  }
}

extension ClientKind {
  /// How the kernel would be asked by a socket without settings: whether there is a route at all.
  fileprivate var plainQuestion: RouteQuestion { RouteQuestion(to: representative) }
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
