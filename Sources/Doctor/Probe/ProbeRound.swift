import Linux

/// The way from one namespace to the next, on which their services are asked.
struct ProbeRound {
  /// How many services are asked in all, and how many of one other namespace: whoever does not answer takes seconds.
  private static let most = 64
  private static let mostElsewhere = 16

  private let scope: Scope
  private var left = Self.most
  /// Why the services of our own namespace could not all be asked.
  private(set) var failure: DoctorFailure?

  init(_ scope: Scope) { self.scope = scope }

  /// Asks the services of one diagnosis, and puts in what they answered. What goes wrong, which in another namespace its
  /// owner may bring about, is noted; what was answered until then counts.
  mutating func ask(_ station: Survey.Station, _ diagnosis: inout Diagnosis, _ limits: inout Limits) {
    let isHere = station.host.place.isHere
    let wanted = diagnosis.worthAsking(scope)
    let asked = wanted.prefix(isHere ? left : min(left, Self.mostElsewhere))
    limits.servicesNotAsked += wanted.count - asked.count
    left -= asked.count
    if asked.isEmpty { return }
    var results: [ProbeResult] = []
    do throws(DoctorFailure) {
      let probe = try Probe(station)
      for service in asked { results.append(try probe.ask(service)) }
    } catch {
      if isHere { failure = error }
      let isGone = !isHere && station.namespace.inode == nil
      limits.probeFailed(station.host.place, isGone ? "it has ended meanwhile" : error.message)
    }
    diagnosis.take(results)
  }
}

extension Diagnosis {
  /// Whom to ask: of all that are shown those that are bound to the wildcard, whatever they seem to do with what they are told;
  /// with a port, whoever is bound to it. The doubtful ones first. Not those of which no answer is expected, or none from
  /// an address of ours.
  package func worthAsking(_ scope: Scope) -> [Service] {
    let askable = findings.filter { finding in
      if finding.verdict == .kernel || finding.service.isKernel { return false }
      if scope.port != nil { return true }
      return finding.verdict.expectsAnswer && finding.service.sockets.contains(where: \.isWildcard)
    }
    return (askable.filter { !$0.verdict.isHealthy } + askable.filter(\.verdict.isHealthy)).map(\.service)
  }
}

extension Verdict {
  fileprivate var expectsAnswer: Bool {
    switch self {
    case .healthy(.neverAnswers), .healthy(.askedByMulticast): false
    default: true
    }
  }
}
