import Doctor
import JSON
import Linux
import Testing

/// What the report looks like, to people and to programs.
struct ReportTests {
  private func host() throws -> Host {
    var host = try Host.founding()
    try host.open("0.0.0.0:53", "dnsmasq", pid: 812) { $0.tellsDestinationV4 = true }
    try host.open("0.0.0.0:5678")
    try host.open("0.0.0.0:40000", "dig")
    try host.open("172.17.0.1:123", "ntpd")
    return host
  }

  @Test func theTableIsUnderstoodAtAGlance() throws {
    #expect(
      Report([try host().diagnosis()], limits: Limits(missing: [.systemAdmin])).text == [
        "PORT  SERVICE            BOUND TO  VERDICT",
        "53    dnsmasq (pid 812)  0.0.0.0   healthy: asks which address was asked",
        "                                   (IP_PKTINFO)",
        "5678  nc (pid 4711)      0.0.0.0   FAULTY: answers 3 of 6 kinds of request from",
        "                                   the wrong address",
        "",
        "nc (pid 4711), port 5678:",
        "  ASKED AT         BY A CLIENT IN           ANSWERS FROM",
        "  172.17.0.1       192.168.106.0/24 (eth0)  192.168.106.242",
        "  172.17.0.1       anywhere else (eth0)     192.168.106.242",
        "  192.168.106.242  172.17.0.0/16 (docker0)  172.17.0.1",
        "  It is bound to 0.0.0.0 and does not ask which address was asked (no",
        "  IP_PKTINFO), so the kernel picks the source of each reply by the route to the",
        "  client.",
        "  Mend it, as root:  multihomed adopt 5678",
        "  (no restart; the service then sees its clients as 127.64.0.0/10)",
        "  Or bind it to 127.0.0.1 alone, and put a relay in front:",
        "    multihomed relay --listen 5678 --backend 127.0.0.1:5678",
        "",
        "Left out: 1 socket on clients' ports, of dig (40000); to have them judged:",
        "multihomed doctor --all",
        "1 socket bound to one address: fine.",
        "Not looked at: other network namespaces, as containers have them (needs",
        "CAP_SYS_ADMIN).",
        "To see everything: run it with sudo, or once (this gives the rights to everybody",
        "who may run the file: before it, chgrp the file to a group of those who should,",
        "and chmod 750 it):",
        "  sudo setcap cap_sys_admin=+ep \(ProcFile.link("/proc/self/exe", limit: 4096)?.shellWord ?? "")",
      ])
  }

  @Test func whereThereIsNothingItSaysSo() throws {
    let nothing = try Host.founding().diagnosis()
    #expect(Report([nothing]).text == ["No UDP service is bound to the wildcard address."])
    #expect(Report([nothing], scope: .port(5678)).text == ["No socket is bound to UDP port 5678."])
    #expect(Report([nothing], scope: .everything).text == ["No UDP socket waits for anybody."])
    #expect(Report([nothing]).isHealthy)
  }

  @Test func anotherNamespaceHasASectionAndItsCommandAPrefix() throws {
    var host = try Host.founding()
    host.place = Place(.container("3f2a91c0bb12", engine: "docker"), process: 12, processName: "nc")
    try host.open("0.0.0.0:5678", pid: 12)
    let text = Report([try Host.founding().diagnosis(), try host.diagnosis()]).text
    #expect(text[0] == "In container 3f2a91c0bb12 (docker, pid 12 nc):")
    #expect(text.contains("nc (pid 12), port 5678 in container 3f2a91c0bb12 (docker, pid 12 nc):"))
    #expect(text.contains("  Mend it, as root:  nsenter -t 12 -n multihomed adopt 5678"))
    #expect(text.contains("    nsenter -t 12 -n multihomed relay --listen 5678 --backend 127.0.0.1:5678"))
  }

  /// Who asks, and what the service of user 998 then takes.
  @Test(
    arguments: [
      (998, false, 1024, "Mend it:"), (998, false, 5679, "Mend it, as root:"), (4321, false, 0, "Mend it, as root:"),
      (4321, true, 1024, "Mend it:"), (0, true, 0, "Mend it, as root:"),
    ] as [(UInt32, Bool, UInt16, String)])
  func rootIsAskedForWhereItIsNeeded(user: UInt32, mayBeOthers: Bool, lowestPort: UInt16, beginning: String) throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:5678")
    let asker = Asker(user: user, mayBeOthers: mayBeOthers, lowestPort: lowestPort)
    let report = Report([try host.diagnosis()], asker: asker)
    #expect(report.text.contains("  \(beginning)  multihomed adopt 5678"))
    #expect(report.json.text.contains("\"as_root\": \(beginning.hasSuffix("root:"))"))
  }

  @Test func aHiddenKernelRuleMakesItAnIf() throws {
    var host = try Host.founding()
    host.mendedPorts = nil
    try host.open("0.0.0.0:5678", "ts")
    let diagnosis = try host.diagnosis()
    var limits = Limits(missing: [.networkAdmin])
    limits.count([diagnosis])
    let report = Report([diagnosis], limits: limits)
    #expect(report.text[1] == "5678  ts (pid 4711)  0.0.0.0   unknown: answers 3 of 6 kinds of request from the")
    #expect(report.text[2].hasSuffix("  wrong address, unless the kernel rule mends it"))
    #expect(report.text.contains("  If it does not, as root:  multihomed adopt 5678"))
    #expect(
      report.text.suffix(3) == [
        "Not looked at: the kernel rule, which may mend 1 service (needs root:",
        "CAP_NET_ADMIN, for nft, too).", "To see everything: run it with sudo",
      ])
    #expect(report.json.text.contains("\"suggestion\": null"))
  }

  @Test func whoDecidesByTheClientIsNotPutBehindARelay() throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:161", "snmpd")
    let report = Report([try host.diagnosis()])
    #expect(report.text.contains("  Mend it, as root:  multihomed kernel apply 161"))
    #expect(!report.text.contains { $0.contains("multihomed relay") })
    #expect(report.json.text.contains("\"relay\": null"))
  }

  @Test func whatOnlyThisHostCanAskIsToldOfTheRelayWhereItWasAskedFor() throws {
    var host = try Host.founding()
    try host.open("127.0.0.1:5678")
    let named = Report([try host.diagnosis(.port(5678))], scope: .port(5678))
    #expect(
      named.text == [
        "PORT  SERVICE        BOUND TO   VERDICT",
        "5678  nc (pid 4711)  127.0.0.1  healthy: only this host can ask it",
        "",
        "To serve port 5678 to other hosts, too, put a relay in front of it:",
        "  multihomed relay --listen 5678 --backend 127.0.0.1:5678",
      ])
    #expect(Report([try host.diagnosis(.everything)], scope: .everything).text.count == 2)
    try host.open("192.168.106.242:5678", "multihomed")
    let served = Report([try host.diagnosis(.port(5678))], scope: .port(5678))
    #expect(!served.text.contains { $0.contains("multihomed relay") })
  }

  @Test func aClientWithoutARouteIsToldOf() throws {
    var host = try Host.founding()
    let client = try address("203.0.113.9")
    let line = "Client 203.0.113.9: no route leads to it, so that nobody answers it."
    #expect(Report([try host.diagnosis(given: [client])]).text.last == line)
    host.place = Place(.named("blue"))
    // Nobody is there to answer anybody.
    #expect(Report([try host.diagnosis(given: [client])]).text.count == 1)
    try host.open("0.0.0.0:5678")
    let report = Report([try host.diagnosis(given: [client])])
    #expect(
      report.text.suffix(2) == [
        "Client 203.0.113.9: no route leads to it in namespace blue, so that nobody", "answers it.",
      ])
    #expect(report.json.text.contains("\"clients_without_route\": [\n        \"203.0.113.9\"\n      ]"))
  }

  @Test func whoIsLeftOutIsNamedTheMostLikelyServicesFirst() throws {
    var host = try Host.founding()
    for port in 40_000..<40_012 { try host.open("0.0.0.0:\(port)", "dnsmasq") }
    try host.open("0.0.0.0:40100", nil)
    for name in ["b", "a", "c", "d"] { try host.open("0.0.0.0:\(40_200 + host.sockets.count)", name) }
    let text = Report([try host.diagnosis()]).text.joined(separator: " ")
    #expect(
      text.hasSuffix(
        "Left out: 17 sockets on clients' ports, of a (40214), b (40213), c (40215), d (40216), user 998 (40100) and 1 more; "
          + "to have them judged: multihomed doctor --all"))
  }

  @Test func ofManyPairsTheFirstAreTold() throws {
    var host = try Host.founding()
    for number in 1...20 { host.addresses.append(Host.Address(try address("172.17.1.\(number)"), "docker0")) }
    try host.open("0.0.0.0:5678")
    let text = Report([try host.diagnosis()]).text
    #expect(text.count { $0.hasSuffix("  192.168.106.242") || $0.hasSuffix("  172.17.0.1") } == 12)
    #expect(text.contains("  and 51 more, which --json tells"))
  }

  @Test func aProcessCannotWriteOnTheTerminalByItsName() throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:5678", "\u{1b}[2J\u{7f}\u{85}x\u{202e}y\n")
    let text = Report([try host.diagnosis()]).text
    #expect(text[1].hasPrefix("5678  \\x1b[2J\\x7f\\x85x\\u{202e}y\\x0a (pid 4711)  "))
    #expect(
      Report([try host.diagnosis()]).json.text.contains("\"name\": \"\\\\x1b[2J\\\\x7f\\\\x85x\\\\u{202e}y\\\\x0a\""))
  }

  @Test func theJSONIsStable() throws {
    var host = try Host.founding()
    host.addresses.removeLast(2)
    host.routes.removeLast(2)
    try host.open("0.0.0.0:5678")
    let lines = Report([try host.diagnosis()]).json.text.split(separator: "\n").map(String.init)
    #expect(lines.prefix(4) == ["{", "  \"format\": 1,", "  \"healthy\": false,", "  \"namespaces\": ["])
    let members = lines.compactMap { $0.split(separator: "\"").dropFirst().first.map(String.init) }
    #expect(
      members == [
        "format", "healthy", "namespaces", "name", "kind", "pid", "addresses", "172.17.0.1", "192.168.106.242",
        "services", "port", "name", "pids", "uid", "bound_to", "0.0.0.0", "interface", "verdict", "reason", "code",
        "text",
        "requests", "wrong", "asked", "client", "client_kind", "interface", "answers_from", "asked", "client",
        "client_kind", "interface", "answers_from", "asked", "client", "client_kind", "interface", "answers_from",
        "suggestion", "way", "command", "why", "caution", "as_root", "relay", "probes", "clients_without_route",
        "client_sockets",
        "left_out", "sockets_bound_to_one_address", "not_looked_at", "to_see_everything",
      ])
  }

  @Test func theProbesExchangeIsToldLineByLine() throws {
    let host = try Host.founding()
    let entry = UDPSocketEntry(local: Endpoint(.anyIPv4, 53), isIPv6: false, inode: 1)
    let sockets = [SurveyedSocket(entry, settings: .read(SocketSettings()))]
    let service = Service(port: 53, name: "named", processes: [9], user: 0, sockets: sockets)
    let asked = Endpoint(try address("192.168.106.242"), 53)
    let silent = ProbeResult.Exchange(asked: asked, clientPort: 40_000, packets: [])
    let result = ProbeResult(service: service, question: "DNS query", exchanges: [silent])
    #expect(
      result.text(on: host) == [
        "Probe of named (pid 9), port 53, by a DNS query:", "    no answer: proves nothing",
        "  → no answer at all: the service wants another question, or a firewall is in the way",
      ])
  }

  @Test func theProbesClientIsWhoNobodyIs() throws {
    var host = try Host.founding()
    #expect(ProbeAddresses.free(on: host, isIPv4: true) == IPAddress("198.18.0.77"))
    #expect(ProbeAddresses.free(on: host, isIPv4: false) == IPAddress("2001:2::4d"))
    try host.routeTo("198.18.0.0/23", 2)
    try host.routeTo("2001:2::/48", 2)
    #expect(ProbeAddresses.free(on: host, isIPv4: true) == IPAddress("198.18.2.77"))
    #expect(ProbeAddresses.free(on: host, isIPv4: false) == nil)
  }

  @Test(arguments: [53, 69, 123, 161, 1194, 3478, 5060, 5683, 11211, 27015, 27960, 4711] as [UInt16])
  func eachQuestionHasAName(port: UInt16) {
    let question = ProbeQuestion.of(port: port)
    #expect(!question.name.isEmpty && !question.bytes.isEmpty)
    #expect((question.name == "text") == (port == 4711))
  }
}
