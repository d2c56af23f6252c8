/// What nft(8) is told, each text one transaction: all of it happens, or nothing.
package enum RuleScript {
  private static let table = "inet \(RuleTable.name)"

  /// Makes the table, in place of one that is there.
  package static func replacement(_ settings: RuleSettings) -> String {
    let blocks = RuleTable(settings).blocks.map { block in
      (["\t\(block.header) {"] + block.lines.map { "\t\t\($0)" } + ["\t}"]).joined(separator: "\n")
    }
    return "add table \(table)\ndelete table \(table)\ntable \(table) {\n" + blocks.joined(separator: "\n\n") + "\n}\n"
  }

  /// Changes which ports the table serves: every chain's rules anew, and the counters. What is remembered and counted stays.
  package static func change(from old: RuleSettings, to new: RuleSettings) -> String {
    let (added, gone) = (
      new.ports.filter { !old.ports.contains($0) }, old.ports.filter { !new.ports.contains($0) }
    )
    var lines = RuleTable.counters(added).map { "add counter \(table) \($0)" }
    for chain in RuleTable(new).chains {
      lines.append("flush chain \(table) \(chain.name)")
      lines += chain.rules.map { "add rule \(table) \(chain.name) \($0)" }
    }
    lines += RuleTable.counters(gone).map { "delete counter \(table) \($0)" }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Removes the table.
  package static let removal = "delete table \(table)\n"
}

extension RuleTable {
  /// Its chains without what hangs them up.
  fileprivate var chains: [(name: Substring, rules: [String])] {
    blocks.filter { $0.header.hasPrefix("chain ") }.map { chain in
      (chain.header.dropFirst("chain ".count), chain.lines.filter { !$0.hasPrefix("type ") })
    }
  }
}
