import KernelRule
import Testing

/// What is typed, what nft prints, and what is said of it.
@Suite struct RuleReportTests {
  private func settings(_ ports: [UInt16], timeout: Int = 60) -> RuleSettings {
    RuleSettings(ports: ports, timeout: timeout, seed: 1)
  }

  @Test func countsAreReadAsNftPrintsThem() {
    let tally = RuleTally([
      "table inet multihomed {", "\tcounter requests4_5678 {", "\t\tpackets 7 bytes 300", "\t}",
      "\tcounter forgotten4_5678 {", "\t\tpackets 2 bytes 60", "\t}", "\tcounter replies6_53 {",
      "\t\tpackets 5 bytes 30", "\t}", "\tcounter gone6_53 {", "\t\tpackets 3 bytes 30", "\t}",
      "\tcounter unmended6_53 {", "\t\tpackets 1 bytes 6", "\t}", "}", "table inet multihomed {", "\tmap asked4 {",
      "\t\telements = { 10.0.0.1 . 4000 . 5678 expires 59s : 10.0.0.2,",
      "\t\t\t     10.0.0.1 . 4001 . 5678 expires 1m : 10.0.0.2 }", "\t}", "}", "\tmap asked6 {",
      "\t\telements = { 0x1 . 0x2 . 5678 expires 59s : fd00::1 }", "\tmap asked_link {",
      "\t\telements = { 0x1 . 0x2 . 5678 expires 59s : fd00::1 }",
    ])
    #expect(tally.counts[.init(5678, "ipv4")]?.requests == 7)
    #expect(tally.counts[.init(5678, "ipv4")]?.remembered == 5)
    #expect(tally.counts[.init(53, "ipv6")]?.mended == 1)
    #expect(tally.counts[.init(53, "ipv6")]?.gone == 3)
    #expect(tally.clients == ["ipv4": 2, "ipv6": 2])
  }

  @Test func whatIsMissingIsPutBackByTheCommandThatIsSaid() {
    let gone = RuleReport(settings: nil, tally: RuleTally([]), record: settings([53, 5678], timeout: 90))
    #expect(gone.exitCode == 1)
    #expect(gone.text == [])
    #expect(gone.complaints.first?.hasSuffix("with: multihomed kernel apply 53 5678 --timeout 90s") == true)
    let part = RuleReport(settings: settings([53]), tally: RuleTally([]), record: settings([53, 5678]))
    #expect(part.complaints.first?.hasPrefix("the rule for UDP port 5678 is gone: somebody has made") == true)
    let other = RuleReport(settings: settings([53], timeout: 30), tally: RuleTally([]), record: settings([53]))
    #expect(other.complaints.first?.hasPrefix("somebody has made the table with other options") == true)
  }

  @Test func aTableOfSomebodyElsesIsAConflictWithThisHost() {
    let report = RuleReport(settings: nil, tally: RuleTally([]), record: settings([53]), isForeign: true)
    #expect(report.exitCode == 78)
    #expect(report.complaints == [RuleWords.foreign.message])
    #expect(report.text == [])
  }

  @Test func nothingAppliedAndAllThatWasAppliedAreNoComplaints() {
    #expect(RuleReport(settings: nil, tally: RuleTally([]), record: nil).exitCode == 0)
    #expect(RuleReport(settings: settings([53]), tally: RuleTally([]), record: settings([53])).exitCode == 0)
    #expect(RuleReport(settings: settings([53]), tally: RuleTally([]), record: nil).exitCode == 0)
  }

  @Test(
    arguments: [
      (["0"], nil, nil, "'0' is not a port; give a number from 1 to 65535"),
      (["+53"], nil, nil, "'+53' is not a port; give a number from 1 to 65535"),
      (["53-60"], nil, nil, "'53-60' is not a port; give a number from 1 to 65535"),
      (["53"], "0", nil, "--clients: '0' is out of range; give a whole number from 1 to 1000000"),
      (["53"], "1000001", nil, "--clients: '1000001' is out of range; give a whole number from 1 to 1000000"),
      (["53"], nil, "60", "--timeout: '60' is not a duration; give a whole number and its unit: 30s, 5m or 1h"),
      (["53"], nil, "1s", "--timeout: 1s is out of range; give 2s to 24h"),
      (["53"], nil, "25h", "--timeout: 25h is out of range; give 2s to 24h"),
      (["53"], nil, "9223372036854775807h", "--timeout: 9223372036854775807h is out of range; give 2s to 24h"),
      (["53"], nil, "s", "--timeout: 's' is not a duration; give a whole number and its unit: 30s, 5m or 1h"),
    ] as [([String], String?, String?, String)])
  func whatCannotBeMeantIsAMistakeOfUsage(ports: [String], clients: String?, timeout: String?, message: String) {
    #expect(throws: KernelRuleError(.usage, message)) {
      try RuleRequest(ports: ports, clients: clients, timeout: timeout)
    }
  }

  @Test func whatIsNotSaidStaysAsItIs() throws {
    let request = try RuleRequest(ports: ["5678", "53", "53"], timeout: "5m")
    let old = RuleSettings(ports: [123], clients: 7, timeout: 30, seed: 9)
    #expect(request.added(to: old) == RuleSettings(ports: [53, 123, 5678], clients: 7, timeout: 300, seed: 9))
    #expect(request.added(to: nil).clients == 65_536)
  }
}
