/// What nft(8) is told, each text one transaction: all of it happens, or nothing.
package enum RuleScript {
  private static let table = "inet \(RuleTable.name)"

  /// Makes the table, in place of one that is there.
  package static func replacement(_ settings: RuleSettings) -> String {
    let elements = "\t\telements = { \(RuleTable.elements(settings.ports)) }"
    let tallies = Set(RuleTable.tallies.map { "set \($0.0)" })
    let blocks = RuleTable(settings).blocks.map { block in
      (["\t\(block.header) {"] + block.lines.map { "\t\t\($0)" } + (tallies.contains(block.header) ? [elements] : [])
        + ["\t}"]).joined(separator: "\n")
    }
    return "add table \(table)\ndelete table \(table)\ntable \(table) {\n" + blocks.joined(separator: "\n\n") + "\n}\n"
  }

  /// Changes which ports the table serves, and leaves everything else of it as it is.
  package static func change(from old: RuleSettings, to new: RuleSettings) -> String {
    let (added, gone) = (
      new.ports.filter { !old.ports.contains($0) }, old.ports.filter { !new.ports.contains($0) }
    )
    var lines = RuleTable.counters(added).map { "add counter \(table) \($0)" }
    lines += elements("add", added)
    for hook in RuleTable.hooks {
      lines.append("flush chain \(table) \(hook.name)")
      lines += hook.rules(new.ports).map { "add rule \(table) \(hook.name) \($0)" }
    }
    lines += elements("delete", gone) + RuleTable.counters(gone).map { "delete counter \(table) \($0)" }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Removes the table.
  package static let removal = "delete table \(table)\n"

  private static func elements(_ verb: String, _ ports: [UInt16]) -> [String] {
    if ports.isEmpty { return [] }
    return RuleTable.tallies.map { "\(verb) element \(table) \($0.0) { \(RuleTable.elements(ports)) }" }
  }
}
