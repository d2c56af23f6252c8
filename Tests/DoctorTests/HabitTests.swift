import Doctor
import JSON
import Linux
import Testing

/// What services do with their sockets, and which mends are none for them.
struct HabitTests {
  /// A connected socket has the address that routing picks, and hears what is sent to no other.
  @Test(arguments: [
    ("nc", false, false, Habit.tiesSocket), ("iperf3", false, false, .tiesSocket),
    ("socat", true, false, .socketForEachClient), ("dtls", false, true, .socketForEachClient),
    ("socat", false, false, .keepsSocket), ("game", true, false, .maybeSocketForEachClient),
    ("xinetd", true, false, .keepsSocket),
  ])
  func theKernelRuleIsNoMendForWhoeverConnectsItsSocket(
    name: String, reusesAddress: Bool, hasClients: Bool, habit: Habit
  ) throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:5678", name) { $0.reusesAddress = reusesAddress }
    if hasClients { host.clientSockets = [5678: [998]] }
    let isMended = habit == .keepsSocket || habit == .maybeSocketForEachClient
    for (ports, mended, other) in [
      ([5678], "mended-by-kernel-rule", "kernel-rule-no-mend"), (nil, "kernel-rule-hidden", "answers-by-routing"),
    ] as [(Set<UInt16>?, String, String)] {
      host.mendedPorts = ports
      let finding = try #require(try host.diagnosis().findings.first)
      #expect(finding.habit == habit)
      #expect(finding.verdict.reasonCode == (isMended ? mended : other))
      #expect(isMended || finding.verdict.code == "faulty")
    }
  }

  /// No command mends what opens a socket for each client: not adopt, and not the kernel's rule.
  @Test func whoOpensASocketForEachClientIsToBeBoundElsewhere() throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:5678", "socat") { $0.reusesAddress = true }
    let report = Report([try host.diagnosis()])
    let text = report.text.joined(separator: " ").replacing(#/ +/#, with: " ")
    #expect(
      text.contains(
        "Mend it: it opens a socket for each client, which it could not beside `adopt`, and the kernel rule does not mend: "
          + "give it UDP-RECVFROM for UDP-LISTEN, or bind it to each address, one by one. Or bind it to 127.0.0.1:15678 "
          + "alone, and put a relay in front: multihomed relay --listen 5678 --backend 127.0.0.1:15678"))
    #expect(!text.contains("multihomed adopt") && !text.contains("kernel apply"))
    #expect(report.json.text.contains("\"command\": null"))
    #expect(report.json.text.contains("\"way\": \"rebind\""))
  }

  /// Until its first client has come, one cannot be told from the other.
  @Test func whatMayOpenASocketForEachClientIsSaidBesideAdopt() throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:5678", "game") { $0.reusesAddress = true }
    let text = Report([try host.diagnosis()]).text.joined(separator: " ").replacing(#/ +/#, with: " ")
    #expect(text.contains("Mend it, as root: multihomed adopt 5678 (no restart;"))
    #expect(
      text.contains(
        "before, make sure that it does not open a socket for each client, as some do that have SO_REUSEADDR"))
    #expect(text.contains("--backend 127.0.0.1:15678"))
    host.sockets.removeAll()
    try host.open("0.0.0.0:5678", "game") {
      $0.reusesAddress = true; $0.sharesPort = true
    }
    let sharing = Report([try host.diagnosis()]).text.joined(separator: " ")
    #expect(!sharing.contains("SO_REUSEADDR") && sharing.contains("--backend 127.0.0.1:5678"))
  }
}
