import Linux

extension Report {
  /// The report for people: the table of each namespace, what is wrong with whom and how to mend it, what services answered
  /// when they were asked, and what was not looked at.
  package var text: [String] {
    let tables = diagnoses.map(table).filter { !$0.isEmpty }
    let first = tables.isEmpty ? [nothing] : Array(tables.joined(separator: [""]))
    let faults = diagnoses.flatMap { diagnosis in
      diagnosis.findings.map { FaultText($0, on: diagnosis.host, asker: asker).lines }
    }
    let probes = diagnoses.flatMap { diagnosis in diagnosis.probes.map { $0.text(on: diagnosis.host) } }
    let parts = [first] + faults + assumptions + probes + [loopbackHint, notes]
    return Array(parts.filter { !$0.isEmpty }.joined(separator: [""]))
  }

  private var nothing: String {
    switch scope {
    case .services: "No UDP service is bound to the wildcard address."
    case .everything: "No UDP socket waits for anybody."
    case .port(let port): "No socket is bound to UDP port \(port)."
    }
  }

  private func table(_ diagnosis: Diagnosis) -> [String] {
    guard !diagnosis.findings.isEmpty else { return [] }
    let host = diagnosis.host
    let rows = diagnosis.findings.map { finding in
      let service = finding.service
      return ["\(service.port)", service.title, service.boundText(on: host), finding.verdict.text]
    }
    let heading = host.place.isHere ? [] : ["In \(host.place.title):"]
    return heading + Layout.table([["PORT", "SERVICE", "BOUND TO", "VERDICT"]] + rows)
  }

  /// One sentence for all whose settings are hidden in the same way: of each, no more is known.
  private var assumptions: [[String]] {
    var seen: Set<String> = []
    return diagnoses.flatMap { $0.findings.map(\.verdict) }.compactMap { verdict in
      guard case .unknown(.settings, _, _) = verdict, let why = verdict.explanation(bound: ""),
        seen.insert(why).inserted
      else { return nil }
      return Layout.paragraph("Unknown: \(why)", indent: 0)
    }
  }

  /// What to do where a port was asked for that only this host can ask.
  private var loopbackHint: [String] {
    let findings = diagnoses.flatMap { diagnosis in diagnosis.findings.map { ($0, diagnosis.host.place) } }
    guard let port = scope.port, let (finding, place) = findings.first,
      findings.allSatisfy({ $0.0.verdict.isOnLoopback })
    else { return [] }
    return Layout.paragraph("To serve port \(port) to other hosts, too, put a relay in front of it:", indent: 0)
      + ["  \(RelayCommand(to: finding.service, in: place).text)"]
  }
}

extension Verdict {
  fileprivate var isOnLoopback: Bool {
    if case .healthy(.boundToLoopback) = self { true } else { false }
  }
}
