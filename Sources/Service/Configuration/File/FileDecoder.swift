import TOML

/// Makes a configuration of a document, and notes what is wrong with it.
struct FileDecoder {
  private static let relay = "relay"
  private static let top = TOMLPlace(line: 1, column: 1)

  private let findings: FileFindings
  private let outer: Settings

  /// - Parameter outer: what was set on the command line and in the environment.
  init(_ findings: FileFindings, _ outer: Settings) {
    self.findings = findings
    self.outer = outer
  }

  /// - Returns: nil when something is wrong with it, which is noted.
  func process(_ document: TOMLValue) -> ProcessConfiguration? {
    guard case .table(let entries) = document.kind else { return nil }
    let table = FileTable(findings, entries, at: Self.top)
    let source = source(table)
    let settings = outer.before(source)
    let relays = relayTables(table)
    let read = relays.compactMap { RelayDecoder(findings, $0).relay(isAlone: relays.count == 1) }
    noteDoubles(among: read)
    var configuration = ProcessConfiguration(relays: read.map(\.configuration))
    guard findings.checkEachValue(ofProcess: source, under: outer) else { return nil }
    findings.attempt(at: Self.top) { () throws(ConfigurationError) in
      try configuration.read(settings)
      try configuration.check(settings)
      for relay in read { try relay.check(configuration.workers) }
    }
    return configuration
  }

  /// What is the process's: above the first table, and in tables of its own.
  private func source(_ table: FileTable) -> FileSource {
    let ofProcess = Setting.allCases.filter(\.isOfProcess)
    let tables = Set(ofProcess.compactMap(\.table)).sorted()
    var source = table.source(ofProcess.filter { $0.table == nil }, besides: [Self.relay] + tables)
    for name in tables {
      let settings = ofProcess.filter { $0.table == name }
      guard let entry = table.entry(name) else { continue }
      if case .table(let entries) = entry.value.kind {
        source.add(FileTable(findings, entries, at: entry.place).source(settings, besides: []))
      } else {
        let lines = settings.map(\.exampleInFile).joined(separator: " and ")
        findings.note("\(name) is \(entry.value.description); write [\(name)], and below it \(lines)", at: entry.place)
      }
    }
    return source
  }

  private func relayTables(_ table: FileTable) -> [FileTable] {
    guard let entry = table.entry(Self.relay) else {
      findings.note(
        "there is no relay; give one, as in [[relay]] listen = [5678] backend = \"127.0.0.1:5678\"", at: Self.top)
      return []
    }
    guard case .array(let elements) = entry.value.kind, !elements.isEmpty else {
      let what = entry.value.kind == .array([]) ? "empty" : entry.value.description
      findings.note("relay is \(what); write [[relay]], in double brackets, above each relay", at: entry.place)
      return []
    }
    return elements.compactMap { element in
      if case .table(let entries) = element.kind { return FileTable(findings, entries, at: element.place) }
      findings.note("relay holds \(element.description); write [[relay]] above each relay", at: element.place)
      return nil
    }
  }

  /// Names and what is listened on must differ.
  private func noteDoubles(among relays: [RelayDecoder.Read]) {
    for (number, relay) in relays.enumerated() {
      for earlier in relays[..<number] {
        if relay.configuration.name == earlier.configuration.name {
          findings.note(
            "the name \"\(relay.configuration.name)\" is that of the relay on line \(earlier.source.start.line), too; give "
              + "each its own", at: relay.namePlace)
        }
        noteOverlap(relay, earlier)
      }
    }
  }

  private func noteOverlap(_ relay: RelayDecoder.Read, _ earlier: RelayDecoder.Read) {
    for (number, mine) in relay.configuration.listen.enumerated() {
      guard let theirs = earlier.configuration.listen.first(where: mine.overlaps) else { continue }
      let place = relay.source.place(of: .listen, number)
      return findings.note(
        "listen \(mine) overlaps listen \(theirs) of relay \"\(earlier.configuration.name)\"; name every port once",
        at: place)
    }
  }
}
