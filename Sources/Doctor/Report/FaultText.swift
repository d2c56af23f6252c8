import Linux

/// What is wrong with one service, pair by pair, and how to mend it.
struct FaultText {
  private let finding: Diagnosis.Finding
  private let host: Host
  private let suggestion: Suggestion

  /// How many pairs are told one by one; the JSON report has all.
  private static let shownPairs = 12

  init(_ finding: Diagnosis.Finding, on host: Host, asker: Asker) {
    self.finding = finding
    self.host = host
    suggestion = Suggestion(for: finding.service, habit: finding.habit, in: host.place, asker: asker)
  }

  /// None where nothing is wrong, or nothing is known.
  var lines: [String] {
    switch finding.verdict {
    case .faulty, .unmended: [title] + pairs + why + mend("Mend it") + relay
    case .caught: [title] + why + mend("Mend it") + relay
    case .unknown(.kernelRule, _, _): [title] + pairs + why + mend("If it does not") + relay
    case .healthy, .unknown(.settings, _, _), .kernel: []
    }
  }

  private var title: String { "\(finding.service.title), port \(finding.service.port)\(host.place.suffix):" }

  private var pairs: [String] {
    let wrong = finding.verdict.wrong
    let rows = wrong.prefix(Self.shownPairs).map { pair in
      [host.text(pair.asked), pair.client.text(on: host), host.text(pair.source)]
    }
    return Layout.table([["ASKED AT", "BY A CLIENT IN", "ANSWERS FROM"]] + rows, indent: 2)
      + (wrong.count > rows.count ? ["  and \(wrong.count - rows.count) more, which --json tells"] : [])
  }

  private var why: [String] {
    let bound = finding.service.boundText(on: host)
    return Layout.paragraph(finding.verdict.explanation(bound: bound) ?? "", indent: 2)
  }

  private func mend(_ beginning: String) -> [String] {
    guard let command = suggestion.command else {
      return Layout.paragraph("\(beginning): \(suggestion.why).", indent: 2)
    }
    return ["  \(beginning)\(suggestion.needsRoot ? ", as root" : ""):  \(command)"]
      + Layout.paragraph("(\(suggestion.why)\(suggestion.caution.map { "; \($0)" } ?? ""))", indent: 2)
  }

  private var relay: [String] {
    guard let relay = suggestion.relay else { return [] }
    return ["  Or bind it to \(relay.place) alone, and put a relay in front:", "    \(relay.text)"]
  }
}
