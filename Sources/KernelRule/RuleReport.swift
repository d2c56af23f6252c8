/// What `show` has found.
public struct RuleReport: Hashable, Sendable {
  private let settings: RuleSettings?
  private let tally: RuleTally
  private let record: RuleSettings?
  private let isForeign: Bool
  private let isAltered: Bool

  /// A finding.
  ///
  /// - Parameters:
  ///   - settings: of the table that is there; nil when there is none of ours.
  ///   - record: what was applied; nil when nothing is known of it.
  ///   - isForeign: there is a table of our name that is not ours.
  ///   - isAltered: somebody has changed our table.
  package init(
    settings: RuleSettings?, tally: RuleTally, record: RuleSettings?, isForeign: Bool = false, isAltered: Bool = false
  ) {
    self.settings = settings
    self.tally = tally
    self.record = record
    self.isForeign = isForeign
    self.isAltered = isAltered
  }

  /// The status to exit with: 0 when all is as it was applied; 78 where there is a table of our name that is not ours, as it
  /// stands in the way of apply and remove; otherwise 1.
  public var exitCode: Int32 {
    if isForeign { return RuleWords.foreign.exitCode }
    return complaints.isEmpty ? 0 : 1
  }

  /// What is not as it was applied, and the command that puts it right, a line each.
  public var complaints: [String] {
    if isForeign { return [RuleWords.foreign.message] }
    if let settings, isAltered {
      return ["the table inet \(RuleTable.name) was changed by somebody else; make it anew with: \(command(settings))"]
    }
    guard let record else { return [] }
    let missing = record.ports.filter { !(settings?.ports.contains($0) ?? false) }
    if !missing.isEmpty {
      let what =
        settings == nil
        ? "somebody has removed the whole table, as `nft flush ruleset` does" : "somebody has made the table without it"
      return ["the rule for \(RuleWords.ports(missing)) is gone: \(what); put it back with: \(command(record))"]
    }
    if let settings, !settings.remembersLike(record) {
      return [
        "somebody has made the table with other options than those that were applied; make it anew with: \(command(record))"
      ]
    }
    return []
  }

  /// The command that applies these settings.
  private func command(_ settings: RuleSettings) -> String {
    let standard = RuleSettings(ports: [])
    return "multihomed kernel apply \(RuleWords.list(settings.ports))"
      + (settings.clients == standard.clients ? "" : " --clients \(settings.clients)")
      + (settings.timeout == standard.timeout ? "" : " --timeout \(settings.timeout)s")
  }

  // MARK: For people

  /// A table, and a line for each family; or that nothing is applied.
  public var text: [String] {
    guard let settings else {
      return isForeign || record != nil
        ? [] : ["the kernel's rule is applied to no port; see multihomed kernel apply --help"]
    }
    return rows(settings) + families(settings)
  }

  private func rows(_ settings: RuleSettings) -> [String] {
    let header = [
      "port", "family", "requests", "remembered", "no room", "group", "replies", "mended", "gone", "unknown",
    ]
    let rows = entries(settings).map { key, counts in
      [
        "\(key.port)", key.family, "\(counts.requests)", "\(counts.remembered)", "\(counts.forgotten)",
        "\(counts.elsewhere)", "\(counts.replies)", "\(counts.mended)", "\(counts.gone)", "\(counts.unmended)",
      ]
    }
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    return ([header] + rows).map { row in
      zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
    }
  }

  private func families(_ settings: RuleSettings) -> [String] {
    RuleTable.families.map { family, _ in
      let entries = entries(settings).filter { $0.key.family == family }
      let forgotten = entries.reduce(0) { $0 + $1.counts.forgotten }
      let state =
        "\(family): clients remembered: \(clients(family)) (room for \(settings.clients) or more), each for "
        + "\(RuleTable.span(settings.timeout)) after its last datagram"
      if forgotten == 0 { return state }
      return "\(state); requests without room so far: \(forgotten); make more with: multihomed kernel apply "
        + "\(RuleWords.list(settings.ports)) --clients N, or a shorter --timeout"
    }
  }

  private func clients(_ family: String) -> Int { tally.clients[family] ?? 0 }

  private func entries(_ settings: RuleSettings) -> [(key: RuleTally.Key, counts: RuleTally.Counts)] {
    settings.ports.flatMap { port in
      RuleTable.families.map { family, _ in
        let key = RuleTally.Key(port, family)
        return (key, tally.counts[key] ?? RuleTally.Counts())
      }
    }
  }

  // MARK: For programs

  /// One JSON object (RFC 8259). Its texts are our own, and hold nothing that would have to be escaped.
  public var json: String {
    let complaints = self.complaints.map { "\"\($0)\"" }.joined(separator: ",")
    guard let settings else { return "{\"applied\":false,\"complaints\":[\(complaints)],\"ports\":[]}" }
    let ports = entries(settings).map { key, counts in
      "{\"port\":\(key.port),\"family\":\"\(key.family)\",\"requests\":\(counts.requests),"
        + "\"remembered\":\(counts.remembered),\"no_room\":\(counts.forgotten),\"group\":\(counts.elsewhere),"
        + "\"replies\":\(counts.replies),\"mended\":\(counts.mended),\"gone\":\(counts.gone),\"unknown\":\(counts.unmended)}"
    }
    let clients = RuleTable.families.map { "\"\($0.0)\":\(self.clients($0.0))" }
    return "{\"applied\":true,\"complaints\":[\(complaints)],\"ports\":[\(ports.joined(separator: ","))],"
      + "\"clients\":{\(clients.joined(separator: ","))},\"most_clients\":\(settings.clients),"
      + "\"timeout_seconds\":\(settings.timeout)}"
  }
}
