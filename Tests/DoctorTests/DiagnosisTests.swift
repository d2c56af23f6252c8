import Doctor
import JSON
import Linux
import Testing

/// Values in, verdicts out.
struct DiagnosisTests {
  /// What one socket is like, and what is said of it.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bound: String
    let verdict: String
    var scope = Scope.services
    var interface: UInt32 = 0
    var isIPv6Only = false
    var settings: @Sendable (inout SocketSettings) -> Void = { _ in }
  }

  @Test(arguments: [
    Case(testDescription: "IPv4", bound: "0.0.0.0:5678", verdict: "faulty 3/6"),
    Case(testDescription: "dual-stack", bound: "[::]:5678", verdict: "faulty 5/10"),
    Case(testDescription: "IPv6 only", bound: "[::]:5678", verdict: "faulty 2/4", isIPv6Only: true),
    Case(
      testDescription: "IPv4, IP_PKTINFO", bound: "0.0.0.0:5678", verdict: "asks-the-kernel",
      settings: { $0.tellsDestinationV4 = true }),
    Case(
      testDescription: "dual-stack, IPV6_RECVPKTINFO", bound: "[::]:5678", verdict: "asks-the-kernel",
      settings: { $0.tellsDestinationV6 = true }),
    Case(
      testDescription: "dual-stack, IP_PKTINFO alone", bound: "[::]:5678", verdict: "faulty 2/10",
      settings: { $0.tellsDestinationV4 = true }),
    Case(
      testDescription: "IP_RECVORIGDSTADDR", bound: "0.0.0.0:5678", verdict: "asks-the-kernel",
      settings: { $0.tellsOriginalDestination = true }),
    Case(
      testDescription: "bound to docker0", bound: "0.0.0.0:5678", verdict: "faulty 1/2", interface: 2),
    Case(
      testDescription: "bound to one address", bound: "192.168.106.242:5678", verdict: "bound-to-addresses",
      scope: .port(5678)),
    Case(testDescription: "bound to loopback", bound: "127.0.0.53:53", verdict: "bound-to-loopback", scope: .port(53)),
    Case(testDescription: "mDNS", bound: "0.0.0.0:5353", verdict: "asked-by-multicast"),
    Case(testDescription: "syslog", bound: "0.0.0.0:514", verdict: "never-answers"),
    Case(testDescription: "a client's port", bound: "0.0.0.0:40000", verdict: "left out"),
    Case(testDescription: "DHCP client", bound: "0.0.0.0:68", verdict: "left out"),
    Case(testDescription: "a client's port, named", bound: "0.0.0.0:40000", verdict: "faulty 3/6", scope: .port(40000)),
    Case(testDescription: "a client's port, all", bound: "0.0.0.0:40000", verdict: "faulty 3/6", scope: .everything),
    Case(testDescription: "DHCP client, all", bound: "0.0.0.0:68", verdict: "faulty 3/6", scope: .everything),
    Case(
      testDescription: "one address, all", bound: "192.168.106.242:5678", verdict: "bound-to-addresses",
      scope: .everything),
    Case(testDescription: "Factorio", bound: "0.0.0.0:34197", verdict: "faulty 3/6"),
    Case(
      testDescription: "a client's port, SO_REUSEADDR", bound: "0.0.0.0:40000", verdict: "faulty 3/6",
      settings: { $0.reusesAddress = true }),
    Case(
      testDescription: "a client's port, SO_REUSEPORT", bound: "0.0.0.0:40000", verdict: "faulty 3/6",
      settings: { $0.sharesPort = true }),
  ])
  func aSocketIsJudgedByWhatItAsksFor(_ example: Case) throws {
    var host = try Host.founding()
    try host.open(example.bound, interface: example.interface, isIPv6Only: example.isIPv6Only, example.settings)
    let diagnosis = try host.diagnosis(example.scope)
    #expect(diagnosis.findings.first.map { brief($0.verdict) } ?? "left out" == example.verdict)
    #expect(diagnosis.isHealthy == !example.verdict.hasPrefix("faulty"))
  }

  private func brief(_ verdict: Verdict) -> String {
    if case .healthy(let reason) = verdict { return reason.code }
    return verdict.requests.map { "\(verdict.code) \(verdict.wrong.count)/\($0)" } ?? verdict.code
  }

  @Test func aHostWithOneAddressAnswersRight() throws {
    var host = try Host.founding()
    host.addresses.removeFirst()
    host.addresses.removeLast()
    try host.open("0.0.0.0:5678")
    let kinds = ClientKinds.of(host)
    var choices: Diagnosis.Choices = [:]
    for question in Diagnosis.questions(host, kinds) { choices[question] = try address("192.168.106.242") }
    #expect(Diagnosis(host, kinds, choices).findings.map(\.verdict) == [.healthy(.noPairDiffers)])
  }

  @Test func hiddenSettingsAreNoCertainty() throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:5678", nil)
    let finding = try #require(try host.diagnosis().findings.first)
    #expect(brief(finding.verdict) == "unknown 3/6")
    #expect(finding.service.title == "? (user 998)")
  }

  @Test func addressesThatOthersListenOnAreAnsweredRight() throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:5678")
    for address in ["172.17.0.1", "192.168.106.242"] { try host.open("\(address):5678", "multihomed", pid: 5000) }
    let diagnosis = try host.diagnosis()
    #expect(diagnosis.findings.map(\.verdict) == [.healthy(.inFront(name: "multihomed", count: 2))])
    #expect(diagnosis.exactSockets == 2)
    host.sockets.removeLast()
    #expect(brief(try #require(try host.diagnosis().findings.first).verdict) == "faulty 1/3")
  }

  @Test func socketsOfOneProgramAreOneRow() throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:53", "knotd", pid: 7) { $0.tellsDestinationV4 = true }
    try host.open("0.0.0.0:53", "knotd", pid: 8) { $0.tellsDestinationV4 = true }
    try host.open("[::]:53", "knotd", pid: 7, isIPv6Only: true) { $0.tellsDestinationV6 = true }
    let findings = try host.diagnosis().findings
    #expect(findings.map(\.service.title) == ["knotd (pids 7, 8)"])
    #expect(findings.map(\.verdict) == [.healthy(.asksTheKernel(option: "IP_PKTINFO"))])
  }

  @Test func anIPv4SocketTakesWhatADualStackOneWouldToo() throws {
    var host = try Host.founding()
    try host.open("[::]:5678") { $0.tellsDestinationV6 = true }
    try host.open("0.0.0.0:5678")
    #expect(brief(try host.diagnosis().findings[0].verdict) == "faulty 3/10")
  }

  @Test func theKernelsOwnSocketsAreNotBlamed() throws {
    var host = try Host.founding()
    let entry = UDPSocketEntry(local: Endpoint(.anyIPv4, 4789), isIPv6: false, inode: 0)
    host.sockets = [SurveyedSocket(entry, settings: .read(SocketSettings()))]
    #expect(try host.diagnosis().findings.map(\.verdict) == [.kernel])
    #expect(try host.diagnosis().isHealthy)
  }

  @Test func whatAKernelRuleMendsIsHealthy() throws {
    var host = try Host.founding()
    host.mendedPorts = [5678]
    try host.open("0.0.0.0:5678", "echo")
    #expect(try host.diagnosis().findings.map(\.verdict) == [.healthy(.mendedByKernelRule)])
  }

  /// An answer is proof, whatever the settings say.
  @Test func aWrongAnswerOverridesTheVerdict() throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:5678", "echo") { $0.tellsDestinationV4 = true }
    try host.open("0.0.0.0:5679", "echo")
    try host.open("0.0.0.0:5680", nil)
    try host.open("0.0.0.0:514", "syslogd")
    var diagnosis = try host.diagnosis()
    let asked = diagnosis.worthAsking(.services)
    #expect(asked.map(\.port) == [5679, 5680, 5678])
    let far = Endpoint(try address("192.168.106.242"), 0)
    let near = try address("172.17.0.1")
    let exchanges = try [near, far.address].map { source in
      // An empty datagram to port 40000 of nobody.
      let header: [UInt8] = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]
      let bytes = header + source.v4.bigEndianBytes + [198, 18, 0, 77, 0, 53, 0x9c, 0x40, 0, 8, 0, 0]
      return ProbeResult.Exchange(asked: far, clientPort: 40_000, packets: [try #require(IPPacket(bytes))])
    }
    diagnosis.take(asked.map { ProbeResult(service: $0, question: "text", exchanges: exchanges) })
    #expect(
      diagnosis.findings.map { $0.verdict.reasonCode } == [
        "never-answers", "answered-wrongly", "answers-by-routing", "answered-wrongly",
      ])
    #expect(!diagnosis.isHealthy)
    let report = Report([diagnosis])
    #expect(report.text.contains { $0.contains("FAULTY: has answered 1 of 2") })
    #expect(!report.text.contains { $0.contains("unknown:") })
    #expect(report.json.text.contains("\"code\": \"answered-wrongly\""))
  }

  @Test func whetherAHiddenKernelRuleMendsIsNotKnown() throws {
    var host = try Host.founding()
    host.mendedPorts = nil
    try host.open("0.0.0.0:5678", "echo")
    try host.open("0.0.0.0:53", nil)
    try host.open("0.0.0.0:123", "chronyd") { $0.tellsDestinationV4 = true }
    let diagnosis = try host.diagnosis()
    #expect(diagnosis.findings.map { brief($0.verdict) } == ["unknown 3/6", "asks-the-kernel", "unknown 3/6"])
    #expect(
      diagnosis.findings.map(\.verdict.reasonCode) == ["settings-hidden", "asks-the-kernel", "kernel-rule-hidden"])
    #expect(!diagnosis.isHealthy)
  }

  /// On a port that the kernel may have chosen for a client.
  @Test func aSocketThatIsNotAloneOnItsPortIsAServices() throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:40000", "dig")
    try host.open("0.0.0.0:40001", "tailscaled")
    try host.open("[::]:40001", "tailscaled", isIPv6Only: true)
    try host.open("0.0.0.0:40002", "game")
    try host.open("192.168.106.242:40002", "multihomed")
    let diagnosis = try host.diagnosis()
    #expect(diagnosis.findings.map(\.service.port) == [40001, 40002])
    #expect(diagnosis.leftOut.map(\.port) == [40000])
  }

  @Test func aPortThatIsKeptFromClientsOrMendedIsAServices() throws {
    var host = try Host.founding()
    host.reservedPorts = PortList.read("8080,40000-40001\n")
    host.mendedPorts = [40003]
    for port in 40_000...40_003 { try host.open("0.0.0.0:\(port)", "game") }
    #expect(try host.diagnosis().findings.map(\.service.port) == [40000, 40001, 40003])
  }

  @Test(
    arguments: [
      ("", []), ("\n", []), ("53\n", [53...53]), ("8080,34000-34010\n", [8080...8080, 34_000...34_010]),
      ("5-4,x,1-2-3,70000,7", [7...7]),
    ] as [(String, [ClosedRange<UInt16>])])
  func portsAreReadAsTheKernelListsThem(text: String, ports: [ClosedRange<UInt16>]) {
    #expect(PortList.read(text) == ports)
  }

  @Test func aClientThatNoRouteLeadsToIsNamed() throws {
    var host = try Host.founding()
    try host.open("0.0.0.0:5678")
    let client = try address("203.0.113.9")
    let diagnosis = try host.diagnosis(given: [client])
    #expect(diagnosis.clientsWithoutRoute == [client])
    #expect(brief(diagnosis.findings[0].verdict) == "faulty 3/6")
    let kinds = ClientKinds.of(host, given: [client])
    let question = RouteQuestion(to: client)
    #expect(Diagnosis.questions(host, kinds).contains(question))
    // A socket's own mark may lead nowhere, although others are led.
    var choices = try host.choices(kinds)
    choices[question] = try address("192.168.106.242")
    #expect(Diagnosis(host, kinds, choices).clientsWithoutRoute.isEmpty)
  }

  @Test func systemdIsNotTheServiceThatItHandedASocketTo() {
    let systemd = SocketHolder(id: 1, name: "systemd", descriptor: 30)
    let service = SocketHolder(id: 900, name: "tftpd", descriptor: 0)
    #expect([systemd, service].service == service)
    #expect([systemd].service == systemd)
  }
}

extension UInt32 {
  fileprivate var bigEndianBytes: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: self >> $0) } }
}
