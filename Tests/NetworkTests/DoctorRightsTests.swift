import Linux
import Support
import Testing

/// What the doctor can see with the rights that it has, and what it says of the rest.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct DoctorRightsTests {
  @Test func withoutCapabilitiesAnothersServiceIsUnknownAndTheMissingOnesAreNamed() throws {
    let network = try FoundingNetwork()
    let service = try ManagedProcess("nc", ["-u", "-l", "0.0.0.0", "5678"], in: network.host)
    try network.host.waitForService(on: 5678)
    let run = try DoctorRun("5678", in: network.host, isPowerless: true)
    #expect(run.exit == .status(1))
    #expect(run.lines.contains { $0.contains("unknown: assumed to answer by routing") })
    #expect(!run.lines.contains { $0.contains("FAULTY") || $0.contains("multihomed adopt") })
    let text = run.lines.joined(separator: " ")
    #expect(text.contains("the settings of 1 socket (needs CAP_SYS_PTRACE"))
    #expect(text.contains("other network namespaces, as containers have them (needs CAP_SYS_ADMIN and CAP_SYS_PTRACE)"))
    #expect(text.contains("To see everything: run it with sudo, or, for all but the kernel rule, once (this gives"))
    let program = try MultihomedProcess.realPath()
    #expect(
      run.lines.last
        == "  sudo setcap cap_sys_ptrace,cap_dac_read_search,cap_sys_admin=+ep \(program)")
    let found = try DoctorRun("5678 --json", in: network.host, isPowerless: true).service()
    #expect(found.verdict == "unknown (settings-hidden)")
    #expect(found["suggestion"] == .null)
    #expect(service.exit == nil)
  }

  @Test(.enabled(if: OtherUsers.arePossible, "\(OtherUsers.obstacle ?? "")"))
  func anOrdinaryUserSeesTheSettingsOfTheirOwnServicesOnly() throws {
    let network = try FoundingNetwork()
    let roots = try ManagedProcess("nc", ["-u", "-l", "0.0.0.0", "5678"], in: network.host)
    try network.host.waitForService(on: 5678)
    let own = try RealService.socatReceive.start(in: network.host, port: 5679, user: OtherUsers.somebody)
    let services = try DoctorRun("--here --json", in: network.host, user: OtherUsers.somebody).services()
    #expect(services.map { $0["port"]?.integer } == [5678, 5679])
    #expect(services.first?.verdict == "unknown (settings-hidden)")
    // With Yama's scope 1, not even their own.
    #expect(services.last?.verdict == "unknown (\(Self.isYamaOn ? "settings" : "kernel-rule")-hidden)")
    #expect(services.last?["pids"] == .array([.integer(Int(own.process.processID))]))
    #expect(roots.exit == nil)
  }

  /// An ordinary user cannot list the firewall, and so cannot know whether the rule mends their own service.
  @Test(
    .enabled(
      if: OtherUsers.arePossible && !DoctorRightsTests.isYamaOn,
      "\(OtherUsers.obstacle ?? "kernel.yama.ptrace_scope is not 0")"))
  func whetherTheKernelRuleMendsIsNotKnownWithoutTheRight() throws {
    let network = try FoundingNetwork()
    let own = try RealService.socatReceive.start(in: network.host, port: 5678, user: OtherUsers.somebody)
    let run = try DoctorRun("--here", in: network.host, user: OtherUsers.somebody)
    #expect(run.exit == .status(1))
    let text = run.lines.joined(separator: " ").replacing(#/ +/#, with: " ")
    #expect(text.contains("unknown: answers 2 of 4 kinds of request from the wrong address, unless the kernel rule"))
    #expect(text.contains("If it does not: multihomed adopt 5678"))
    #expect(text.contains("the kernel rule, which may mend 1 service (needs root: CAP_NET_ADMIN, for nft, too)."))
    #expect(run.lines.last == "To see everything: run it with sudo")
    #expect(own.process.exit == nil)
  }

  /// Without nft nobody has applied a rule here, unless it was noted.
  @Test(
    .enabled(
      if: OtherUsers.arePossible && !DoctorRightsTests.isYamaOn,
      "\(OtherUsers.obstacle ?? "kernel.yama.ptrace_scope is not 0")"))
  func whereNftIsNotThereNorARecordThereIsNoKernelRule() throws {
    let network = try FoundingNetwork()
    let own = try RealService.socatReceive.start(in: network.host, port: 5678, user: OtherUsers.somebody)
    let found = try withoutNft(in: network.host)
    #expect(found.verdict == "faulty (answers-by-routing)")
    // The same user may adopt it, as it is.
    #expect(found["suggestion"]?["command"] == .string("multihomed adopt 5678"))
    #expect(found["suggestion"]?["as_root"] == .bool(false))
    let apply = try MultihomedProcess.launch(in: network.host, ["kernel", "apply", "5678"])
    #expect(try apply.waitForExit() == .status(0))
    #expect(try withoutNft(in: network.host).verdict == "unknown (kernel-rule-hidden)")
    #expect(own.process.exit == nil)
  }

  private static let isYamaOn = ProcFile.read("/proc/sys/kernel/yama/ptrace_scope").map { $0 != "0\n" } ?? false

  /// What the doctor says to an ordinary user of the one service, where nft was looked for in vain.
  private func withoutNft(in namespace: NetworkNamespace) throws -> JSON {
    let folder = try TemporaryFolder()
    let script =
      "cp \"$0\" \(folder.path)/multihomed && chmod 755 \(folder.path) && mount -t tmpfs tmpfs /usr/sbin && "
      + "PATH=/usr/bin:/bin exec \"$@\" \(folder.path)/multihomed doctor --here --json"
    let process = try ManagedProcess(
      "unshare",
      ["--mount", "sh", "-c", script, MultihomedProcess.path()] + OtherUsers.command(for: OtherUsers.somebody),
      in: namespace)
    #expect(try process.waitForExit() == .status(1))
    let report = try JSON(parsing: process.text(of: .output))
    return try #require(report["namespaces"]?[0]?["services"]?[0])
  }

  @Test func rootSeesIntoOtherNamespaces() throws {
    let network = try FoundingNetwork()
    try network.container.ip([
      "link add other type bridge", "address add 10.9.9.1/24 dev other", "link set other up",
    ])
    let service = try ManagedProcess("nc", ["-u", "-l", "0.0.0.0", "5678"], in: network.container)
    try network.container.waitForService(on: 5678)
    let run = try DoctorRun("5678 --json", in: network.host)
    #expect(run.exit == .status(1))
    let pid = Int(service.processID)
    let place = try #require(try run.json()["namespaces"]?.array?.first { $0["pid"] == .integer(pid) })
    #expect(place["kind"] == .string("named"))
    #expect(place["name"]?.string?.hasSuffix("container") == true)
    let found = try #require(place["services"]?[0])
    #expect(found.verdict == "faulty (answers-by-routing)")
    #expect(found.pairs.contains("10.9.9.1 < 172.17.0.0/16: 172.17.0.2"))
    #expect(
      found["suggestion"]?["command"] == .string("nsenter -t \(pid) -n multihomed adopt 5678"))
    let text = try DoctorRun("5678", in: network.host).lines
    #expect(text.contains { $0.hasPrefix("In namespace") && $0.hasSuffix("container (pid \(pid) nc):") })
    // The pid and the command are true: from where it points to, the service is the own one.
    let inside = try ManagedProcess(
      "nsenter", ["-t", "\(pid)", "-n", MultihomedProcess.path(), "doctor", "5678", "--json"])
    try inside.waitForExit()
    let own = try JSON(parsing: inside.text(of: .output))["namespaces"]?[0]
    #expect(own?["kind"] == .string("own"))
    #expect(own?["services"]?[0]?["pids"] == .array([.integer(pid)]))
  }
}
