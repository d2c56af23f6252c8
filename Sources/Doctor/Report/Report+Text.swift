import Linux

extension Report {
  /// The report for people: the table of each namespace, what is wrong with whom, one command each, and what was not
  /// looked at.
  package var text: [String] {
    let sections = diagnoses.map(section).filter { !$0.isEmpty }
    var lines = sections.isEmpty ? [nothing] : Array(sections.joined(separator: [""]))
    let faults = diagnoses.flatMap { diagnosis in diagnosis.findings.flatMap { fault($0, diagnosis.host) } }
    lines += faults
    if !faults.isEmpty { lines += [""] + thirdWay }
    lines += assumptions
    lines += diagnoses.flatMap { diagnosis in diagnosis.probes.flatMap { [""] + $0.text(on: diagnosis.host) } }
    let notes = self.notes
    if !notes.isEmpty { lines += [""] + notes }
    return lines
  }

  private var nothing: String {
    port.map { "No socket is bound to UDP port \($0)." } ?? "No UDP service is bound to the wildcard address."
  }

  private func section(_ diagnosis: Diagnosis) -> [String] {
    guard !diagnosis.findings.isEmpty else { return [] }
    let host = diagnosis.host
    let rows = diagnosis.findings.map { finding in
      let service = finding.service
      return ["\(service.port)", service.title, service.boundText(on: host), finding.verdict.text]
    }
    let heading = host.place.isHere ? [] : ["In \(host.place.title):"]
    return heading + Layout.table([["PORT", "SERVICE", "BOUND TO", "VERDICT"]] + rows)
  }

  /// How many pairs are told one by one; the JSON report has all.
  private static let shownPairs = 12

  private func fault(_ finding: Diagnosis.Finding, _ host: Host) -> [String] {
    guard case .faulty(let wrong, _) = finding.verdict else { return [] }
    let service = finding.service
    let place = host.place.isHere ? "" : " in \(host.place.title)"
    let rows = wrong.prefix(Self.shownPairs).map { pair in
      [host.text(pair.asked), pair.client.text(on: host), host.text(pair.source)]
    }
    let more = wrong.count - rows.count
    let why = finding.verdict.explanation(bound: service.boundText(on: host)) ?? ""
    let suggestion = Suggestion(for: service, in: host.place)
    return ["", "\(service.title), port \(service.port)\(place):"]
      + Layout.table([["ASKED AT", "BY A CLIENT IN", "ANSWERS FROM"]] + rows, indent: 2)
      + (more > 0 ? ["  and \(more) more, which --json tells"] : [])
      + Layout.paragraph(why, indent: 2)
      + ["  Mend it, as root:  \(suggestion.command)"]
      + Layout.paragraph("(\(suggestion.why))", indent: 2)
  }

  /// One sentence for all whose settings are hidden in the same way: of each, no more is known.
  private var assumptions: [String] {
    var seen: Set<String> = []
    let verdicts = diagnoses.flatMap { $0.findings.map(\.verdict) }
    return verdicts.flatMap { verdict -> [String] in
      guard case .unknown = verdict, let why = verdict.explanation(bound: ""), seen.insert(why).inserted else {
        return []
      }
      return [""] + Layout.paragraph("Unknown: \(why)", indent: 0)
    }
  }

  private var thirdWay: [String] {
    Layout.paragraph(
      "Or, for any of them: bind the service to 127.0.0.1 alone, and put a relay in front:", indent: 0)
      + ["  multihomed relay --listen PORT --backend 127.0.0.1:PORT"]
  }

  private var notes: [String] {
    let clients = diagnoses.reduce(0) { $0 + $1.clientSockets }
    let exact = diagnoses.reduce(0) { $0 + $1.exactSockets }
    var notes: [String] = []
    if clients > 0 {
      notes.append("Left out: \(clients) \(sockets(clients)) on clients' ports; name a PORT to see one.")
    }
    if exact > 0 { notes.append("\(exact) \(sockets(exact)) bound to one address: fine.") }
    return notes.flatMap { Layout.paragraph($0, indent: 0) }
      + limits.sentences.flatMap { Layout.paragraph("Not looked at: \($0).", indent: 0) }
      + (limits.remedy.map { Layout.paragraph("To see everything: \($0)", indent: 0) } ?? [])
  }

  private func sockets(_ count: Int) -> String { count == 1 ? "socket" : "sockets" }
}

extension Place {
  /// `container 3f2a91c0bb12 (docker, pid 4711 nginx)`, `namespace blue (pid 12 nc)`
  package var title: String {
    let inside = process.map { "pid \($0) \(processName ?? "?")" }
    switch name {
    case .here: return "this host"
    case .container(let identifier, let engine):
      return "container \(identifier.printable)" + Self.parentheses([engine, inside])
    case .named(let name): return "namespace \(name.printable)" + Self.parentheses([inside])
    case .anonymous: return "the namespace of " + (inside ?? "nobody")
    }
  }

  private static func parentheses(_ parts: [String?]) -> String {
    let known = parts.compactMap(\.self)
    return known.isEmpty ? "" : " (\(known.joined(separator: ", ")))"
  }
}
