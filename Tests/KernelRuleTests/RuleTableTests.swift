import KernelRule
import Testing

/// The table as a value, and as nft 1.0.6 lists it.
@Suite struct RuleTableTests {
  private static let settings = RuleSettings(ports: [5678, 53], clients: 1000, timeout: 90, seed: 0x5eed)

  /// How nft lists a table: with tabs, and blocks that were added later behind the others.
  private func listing(_ settings: RuleSettings, _ change: (inout [RuleTable.Block]) -> Void = { _ in }) -> Listing {
    var blocks = RuleTable(settings).blocks
    change(&blocks)
    let text = blocks.map { block in
      "\t\(block.header) {\n" + block.lines.map { "\t\t\($0)\n" }.joined() + "\t}\n"
    }
    return Listing("table inet multihomed {\n" + text.joined(separator: "\n") + "}\n")
  }

  @Test func aTableTellsTheSettingsThatItWasMadeWith() {
    #expect(listing(Self.settings).settings == Self.settings)
    #expect(listing(Self.settings) { $0.reverse() }.settings == Self.settings)
    #expect(listing(Self.settings).isIntact)
    #expect(listing(Self.settings) { $0.reverse() }.isIntact)
  }

  @Test func anAlteredRuleIsOursButNotIntact() {
    let altered = listing(Self.settings) { blocks in
      let place = blocks.firstIndex { $0.header == "chain mend4" } ?? 0
      blocks[place] = RuleTable.Block(header: "chain mend4", lines: ["accept"])
    }
    #expect(altered.settings == Self.settings)
    #expect(!altered.isIntact)
  }

  @Test(arguments: ["counter requests4_53", "set recent4", "map asked6", "chain input", "chain mend_link"])
  func aTableWithoutOneOfItsBlocksIsNotOurs(header: String) {
    #expect(listing(Self.settings) { $0.removeAll { $0.header == header } }.settings == nil)
  }

  @Test func aTableWithMoreIsNotOurs() {
    let more = RuleTable.Block(
      header: "chain forward", lines: ["type filter hook forward priority filter; policy drop;"])
    #expect(listing(Self.settings) { $0.append(more) }.settings == nil)
    #expect(Listing("table inet multihomed {\n\tflags dormant\n}").settings == nil)
    #expect(Listing("").settings == nil)
  }

  @Test func aChainAtAnotherHookIsNotOurs() {
    let moved = listing(Self.settings) { blocks in
      let place = blocks.firstIndex { $0.header == "chain input" } ?? 0
      let type = "type filter hook prerouting priority 200; policy accept;"
      blocks[place] = RuleTable.Block(header: "chain input", lines: [type] + blocks[place].lines.dropFirst())
    }
    #expect(moved.settings == nil)
  }

  @Test(arguments: [
    (2, "2s"), (60, "1m"), (90, "1m30s"), (3600, "1h"), (3661, "1h1m1s"), (86_400, "1d"), (82_800, "23h"),
  ])
  func timeoutsAreWrittenAsNftWritesThem(seconds: Int, text: String) {
    #expect(RuleTable.span(seconds) == text)
    let settings = RuleSettings(ports: [1], timeout: seconds, seed: 1)
    #expect(listing(settings).settings == settings)
  }

  /// Rules that name the ports are made anew; sets and the other ports' counters are left alone.
  @Test func aFurtherPortLeavesWhatIsRememberedAndCounted() {
    let old = RuleSettings(ports: [53], seed: 1)
    let new = RuleSettings(ports: [53, 5678], seed: 1)
    let lines = RuleScript.change(from: old, to: new).split(separator: "\n")
    #expect(lines.contains("add counter inet multihomed requests4_5678"))
    #expect(lines.allSatisfy { ["add counter ", "flush chain ", "add rule "].contains(where: $0.hasPrefix) })
    #expect(!lines.contains { $0.hasPrefix("add counter") && $0.hasSuffix("_53") })
    let back = RuleScript.change(from: new, to: old).split(separator: "\n")
    #expect(back.last == "delete counter inet multihomed unmended6_5678")
  }

  /// What nft leaves out of its listing (`--terse`) is only what was remembered, which may change at any time.
  @Test func nothingThatWasAppliedIsLeftOutOfAListing() {
    let sets = RuleTable(Self.settings).blocks.filter { $0.header.hasPrefix("set ") || $0.header.hasPrefix("map ") }
    #expect(sets.count == 12)
    #expect(sets.allSatisfy { $0.lines.contains("flags dynamic,timeout") })
    #expect(!RuleScript.replacement(Self.settings).contains("elements"))
  }

  @Test func aRecordSurvivesBeingWritten() {
    let place = RulePlace(boot: "b007", namespace: 4_026_531_840)
    let record = RuleRecord(Self.settings, listing: "table inet multihomed {\n}\n", in: place)
    #expect(RuleRecord(record.text) == record)
    for text in [
      "", "\n", "1 2 3\n", "boot b 1\na b c d\n", "boot b 1\n1 2 -3 4\n", "1 2 3 4\n\n", "boot b\n1 2 3 4\n",
    ] {
      #expect(RuleRecord(text) == nil)
    }
  }
}
