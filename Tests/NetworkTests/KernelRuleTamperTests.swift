import Linux
import Support
import Testing

/// What others do to the kernel's table: it is seen, and put right by the command that is said.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct KernelRuleTamperTests {
  @Test(arguments: [
    ("flush ruleset", "the rule for UDP ports 53 and 5678 is gone: somebody has removed the whole table"),
    ("flush chain inet multihomed mend6", "the table inet multihomed was changed by somebody else"),
    ("insert rule inet multihomed input accept", "the table inet multihomed was changed by somebody else"),
    ("add rule inet multihomed vet_link drop", "the table inet multihomed was changed by somebody else"),
  ])
  func whatSomebodyElseChangesIsSeenAndPutRight(script: String, complaint: String) throws {
    let scene = try KernelRuleHost()
    try scene.kernel("apply 5678 53 --timeout 90s")
    try scene.nft(script)
    let shown = try scene.run("show")
    #expect(shown.exit == .status(1))
    #expect(shown.error.hasPrefix("multihomed: error: \(complaint)"))
    let command = "kernel apply 53 5678 --timeout 90s"
    #expect(shown.error.hasSuffix("with: multihomed \(command)"))
    let report = try scene.run("show --json")
    #expect(report.exit == .status(1) && report.error == "")
    #expect(try JSON(parsing: report.output.joined())["complaints"]?.array?.count == 1)
    try scene.kernel(String(command.dropFirst("kernel ".count)))
    try scene.kernel("show")
    try scene.kernel("remove 53 5678")
    #expect(try scene.kernel("show") == ["the kernel's rule is applied to no port; see multihomed kernel apply --help"])
  }

  @Test func whatWasFlushedIsNotForgottenWhenAnotherPortIsApplied() throws {
    let scene = try KernelRuleHost()
    try scene.kernel("apply 5678 53")
    try scene.nft("flush ruleset")
    #expect(
      try scene.run("apply 53").error.hasPrefix(
        "multihomed: note: somebody has flushed the rule for UDP port 5678, and it is not put back; if it is still wanted: "
          + "multihomed kernel apply 5678\n"))
    #expect(try scene.kernel("show --json").joined().contains("\"complaints\":[]"))
  }

  /// What is removed after somebody has flushed it is missed no longer, and what is not removed still is.
  @Test func whatWasFlushedIsMissedUntilItIsRemoved() throws {
    let scene = try KernelRuleHost()
    try scene.kernel("apply 5678 53")
    try scene.nft("flush ruleset")
    #expect(
      try scene.kernel("remove 53") == ["nothing to remove from UDP port 53: the rule is not applied there"])
    #expect(try scene.run("show").error.hasPrefix("multihomed: error: the rule for UDP port 5678 is gone"))
    try scene.kernel("remove 5678")
    try scene.kernel("show")
  }

  /// Nor does it bless what somebody else has changed.
  @Test func removingWhatIsNotThereLeavesTheComplaintAboutTheTable() throws {
    let scene = try KernelRuleHost()
    try scene.kernel("apply 5678 53")
    let shorter = try scene.kernel("apply --print 5678").joined(separator: "\n")
    try scene.nft(shorter + "\n")
    #expect(
      try scene.run("show").error.hasPrefix(
        "multihomed: error: the rule for UDP port 53 is gone: somebody has made the table without it"))
    try scene.nft("insert rule inet multihomed input accept")
    try scene.kernel("remove 53")
    #expect(
      try scene.run("show").error.hasPrefix(
        "multihomed: error: the table inet multihomed was changed by somebody else"))
  }

  /// What counts is in the rules themselves, so that nobody takes it out unseen, and it cannot be taken away alone.
  @Test func whatIsCountedCannotBeTakenAwayUnseen() throws {
    let scene = try KernelRuleHost()
    try scene.kernel("apply 5678")
    for what in ["elsewhere", "forgotten", "unmended", "gone"] {
      #expect(throws: TestFailure.self) { try scene.nft("delete counter inet multihomed \(what)4_5678\n") }
      #expect(throws: TestFailure.self) { try scene.nft("flush set inet multihomed \(what)\n") }
    }
    try scene.kernel("show")
    let rule = try scene.nft("list chain inet multihomed remember4\n").split(separator: "\n")
      .first { $0.contains("elsewhere4_5678") && !$0.contains("counter elsewhere") }
    let shorter = try #require(rule).replacing(/map \{ .* \}/, with: "map { 53 : \"elsewhere4_5678\" }")
    try scene.nft("flush chain inet multihomed remember4\nadd rule inet multihomed remember4 \(shorter)\n")
    #expect(
      try scene.run("show").error.hasPrefix("multihomed: error: the table inet multihomed was changed by somebody else")
    )
  }

  /// A namespace may have the number of one before the boot, where /run is kept.
  @Test func aRecordOfAnotherBootIsNotBelieved() throws {
    let scene = try KernelRuleHost()
    try scene.kernel("apply 5678")
    let cookie = try scene.host.run { () throws(Errno) in try NetworkNamespace.currentCookie() }
    let folder = try StateFolder("/run/multihomed")
    let text = try #require(folder.read("kernel-\(cookie)"))
    try scene.nft("flush ruleset")
    #expect(try scene.run("show").exit == .status(1))
    let boot = try #require(text.split(separator: " ").dropFirst().first)
    try folder.write(text.replacing(boot, with: "00000000-0000-0000-0000-000000000000"), to: "kernel-\(cookie)")
    try scene.kernel("show")
    #expect(!(try scene.run("apply 53").error.contains("somebody has flushed")))
  }
}
