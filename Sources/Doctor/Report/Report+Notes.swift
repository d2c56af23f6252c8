import Linux

extension Report {
  /// What is not in the tables: clients without a route, sockets that were left out, and what was not looked at.
  var notes: [String] {
    let sentences =
      diagnoses.flatMap(strandedClients) + leftOut + exact + limits.sentences.map { "Not looked at: \($0)." }
    return sentences.flatMap { Layout.paragraph($0, indent: 0) } + remedy
  }

  /// The command stands whole on a line of its own, to be copied.
  private var remedy: [String] {
    guard let remedy = limits.remedy else { return [] }
    return Layout.paragraph("To see everything: \(remedy.words)", indent: 0)
      + (remedy.command.map { ["  \($0)"] } ?? [])
  }

  /// Elsewhere only where somebody could have answered: most namespaces lead nowhere.
  private func strandedClients(_ diagnosis: Diagnosis) -> [String] {
    let host = diagnosis.host
    guard host.place.isHere || !diagnosis.findings.isEmpty else { return [] }
    return diagnosis.clientsWithoutRoute.map { client in
      "Client \(host.text(client)): no route leads to it\(host.place.suffix), so that nobody answers it."
    }
  }

  private var leftOut: [String] {
    let services = diagnoses.flatMap(\.leftOut)
    let count = services.reduce(0) { $0 + $1.sockets.count }
    if count == 0 { return [] }
    return [
      "Left out: \(counted(count, "socket")) on clients' ports, of \(ClientPorts(services).text); to have them judged: "
        + "multihomed doctor --all"
    ]
  }

  private var exact: [String] {
    let count = diagnoses.reduce(0) { $0 + $1.exactSockets }
    return count == 0 ? [] : ["\(counted(count, "socket")) bound to one address: fine."]
  }
}

/// Who has sockets on clients' ports. A program with one port of that kind is more likely to be a service than a name server
/// with a hundred, and comes first.
private struct ClientPorts {
  private static let mostShown = 5
  private let names: [String]

  init(_ services: [Service]) {
    let programs = Dictionary(grouping: services) { $0.name ?? "user \($0.user)" }
    names = programs.map { name, services in (name, Set(services.map(\.port)).sorted()) }
      .sorted { ($0.1.count, $0.0) < ($1.1.count, $1.0) }
      .map { name, ports in "\(name) (\(ports.count == 1 ? "\(ports[0])" : "\(ports.count) ports"))" }
  }

  /// `factorio (34197), dnsmasq (12 ports) and 3 more`
  var text: String {
    let shown = names.prefix(Self.mostShown).joined(separator: ", ")
    return names.count > Self.mostShown ? "\(shown) and \(names.count - Self.mostShown) more" : shown
  }
}
