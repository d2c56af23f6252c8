import Doctor
import Linux
import Testing

/// By what names people know a namespace, and what they are told to do there.
struct PlaceTests {
  private static let id = "3f2a91c0bb12" + String(repeating: "0123456789abc", count: 4)

  @Test(arguments: [
    ("0::/system.slice/docker-\(id).scope", "docker", "3f2a91c0bb12"),
    ("0::/../docker-\(id).scope", "docker", "3f2a91c0bb12"),
    ("12:pids:/docker/\(id)\n0::/", "docker", "3f2a91c0bb12"),
    ("0::/machine.slice/libpod-\(id).scope/container", "podman", "3f2a91c0bb12"),
    ("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-\(id).scope", "containerd", "3f2a91c0bb12"),
    ("0::/kubepods/besteffort/pod12/\(id)", "kubernetes", "3f2a91c0bb12"),
    ("0::/lxc.payload.web/system.slice/nginx.service", "lxc", "web"),
    ("4:memory:/lxc/web/init.scope", "lxc", "web"),
    ("0::/machine.slice/systemd-nspawn@build.service/payload", "systemd-nspawn", "build"),
  ])
  func aContainerIsNamedByItsControlGroup(text: String, engine: String, name: String) {
    #expect(ContainerName.read(text) == .container(name, engine: engine))
  }

  @Test(arguments: ["0::/user.slice/user-1000.slice/session-1.scope", "0::/", "", "0::/system.slice/lxc.service"])
  func whatRunsOnTheHostIsInNoContainer(text: String) {
    #expect(ContainerName.read(text) == nil)
  }

  @Test func theTitleTellsHowToFindIt() {
    let container = Place(.container("3f2a91c0bb12", engine: "docker"), process: 12, processName: "n\u{1b}c")
    #expect(container.title == "container 3f2a91c0bb12 (docker, pid 12 n\\x1bc)")
    #expect(Place(.named("blue")).title == "namespace blue")
    #expect(Place(.anonymous, process: 7, processName: "nc").title == "the namespace of pid 7 nc")
  }

  /// A service and the one command for it.
  @Test(
    arguments: [
      ("nc", UInt32(0), Place.here, "multihomed adopt 5678"),
      ("snmpd", 0, Place.here, "multihomed kernel apply 5678"),
      ("echo", 3, Place.here, "multihomed kernel apply 5678"),
      ("echo", 0, Place(.named("blue"), process: 12), "nsenter -t 12 -n multihomed kernel apply 5678"),
      ("echo", 0, Place(.named("blue")), "ip netns exec blue multihomed kernel apply 5678"),
      ("echo", 0, Place(.named("my net")), "ip netns exec 'my net' multihomed kernel apply 5678"),
      // The kernel's rule is no mend for it.
      ("nc", 0, Place(.named("blue"), process: 12), "nsenter -t 12 -n multihomed adopt 5678"),
      ("nc", 3, Place.here, nil),
    ] as [(String, UInt32, Place, String?)])
  func thereIsOneCommandForAFault(name: String, interface: UInt32, place: Place, command: String?) throws {
    let entry = UDPSocketEntry(local: Endpoint(.anyIPv4, 5678), isIPv6: false, interface: interface, inode: 1)
    let socket = SurveyedSocket(entry, settings: .read(SocketSettings()))
    let service = Service(port: 5678, name: name, processes: [12], user: 0, sockets: [socket])
    let habit: Habit = name == "nc" ? .tiesSocket : .keepsSocket
    #expect(Suggestion(for: service, habit: habit, in: place).command == command)
  }

  /// A shell makes of the word what the text was.
  @Test(arguments: [
    ("blue", "blue"), ("", "''"), ("a b", "'a b'"), ("it's; rm -r /", "'it'\\''s; rm -r /'"), ("größe", "'größe'"),
    ("$(id)", "'$(id)'"), ("a\n1", "$'a\\0121'"), ("\u{202e}'", "$'\\342\\200\\256\\047'"),
  ])
  func aNameIsOneWordOfACommand(name: String, word: String) throws {
    #expect(name.shellWord == word)
    #expect(word.isPrintable)
    let shell = try ChildProcess("bash", ["bash", "-c", "printf %s \(word) | od -An -tx1"], environment: [:])
    let bytes = try shell.nextLine(within: .seconds(10))?.split(separator: " ").compactMap { UInt8($0, radix: 16) }
    #expect(bytes ?? [] == Array(name.utf8))
  }

  @Test func whatIsMissingIsNamedWithTheWayToGiveIt() {
    #expect(Limits().sentences.isEmpty && Limits().remedy == nil)
    let all: Set<Capability> = [.systemAdmin, .trace, .readAnything, .networkAdmin]
    var limits = Limits(missing: all)
    limits.socketsWithoutHolder = 2
    #expect(
      limits.sentences == [
        "the settings of 2 sockets (needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)",
        "other network namespaces, as containers have them (needs CAP_SYS_ADMIN and CAP_SYS_PTRACE)",
      ])
    let program = ProcFile.link("/proc/self/exe", limit: 4096)?.shellWord ?? ""
    let command =
      "(\(SetcapHint.caution)): sudo setcap cap_sys_ptrace,cap_dac_read_search,cap_sys_admin=+ep \(program)"
    #expect(limits.remedy?.text == "run it with sudo, or once \(command)")
    limits.servicesUnderHiddenRule = 2
    #expect(
      limits.sentences[1] == "the kernel rule, which may mend 2 services (needs root: CAP_NET_ADMIN, for nft, too)")
    #expect(limits.remedy?.text == "run it with sudo, or, for all but the kernel rule, once \(command)")
    #expect(Limits(missing: all, looksElsewhere: false).sentences.isEmpty)
  }

  @Test func whatWasNotAskedIsNamedWithoutEnd() {
    var limits = Limits()
    for number in 1...7 {
      limits.tooLarge.append(Place(.named("n\(number)")))
      limits.probeFailed(Place(.named("n\(number)")), "`ip` is ill")
    }
    limits.servicesNotAsked = 2
    let names = "namespace n1, namespace n2, namespace n3, namespace n4, namespace n5 and 2 more"
    #expect(
      limits.sentences == [
        "\(names), in which there are more routes, addresses and sockets than are looked at from elsewhere: look from "
          + "within, as with `ip netns exec n1 multihomed doctor --here`",
        "what services of \(names) answer (`ip` is ill)",
        "what 2 further services would answer (--probe asks 64 at most, and 16 of another namespace; give the PORT of one)",
      ])
  }

  @Test func aRuleThatIsHiddenInSpiteOfTheRightIsLookedAtByHand() {
    var limits = Limits()
    limits.servicesUnderHiddenRule = 1
    #expect(
      limits.sentences == [
        "the kernel rule, which may mend 1 service (nft does not list it: `multihomed kernel show` says why)"
      ])
    #expect(limits.remedy == nil)
  }

  @Test func theProcessesOfOthersAreNeededToFindTheirNamespaces() {
    #expect(
      Limits(missing: [.trace]).sentences == [
        "other network namespaces, as containers have them (needs CAP_SYS_PTRACE)"
      ])
  }

  @Test(arguments: [
    (0, 1, true, "the settings of 1 socket (needs CAP_SYS_PTRACE)"),
    (
      1, 0, false,
      "the settings of 1 socket (their processes are not seen from here: run it on the host, not in a container)"
    ),
    (0, 2, false, "the settings of 2 sockets (a security module forbids it: see sysctl kernel.yama.ptrace_scope)"),
  ])
  func whyASocketIsHiddenIsSaid(withoutHolder: Int, untraceable: Int, mayNotTrace: Bool, sentence: String) {
    var limits = Limits(missing: mayNotTrace ? [.trace] : [], looksElsewhere: false)
    limits.socketsWithoutHolder = withoutHolder
    limits.untraceableSockets = untraceable
    #expect(limits.sentences == [sentence])
    #expect((limits.remedy == nil) == !mayNotTrace)
  }

  @Test func whatIsHiddenIsCountedOfTheServicesThatAreShown() throws {
    var host = try Host.founding()
    host.mendedPorts = nil
    try host.open("0.0.0.0:5678", nil)
    try host.open("0.0.0.0:40000", nil)
    var limits = Limits()
    limits.count([try host.diagnosis()])
    #expect(limits.socketsWithoutHolder == 1 && limits.servicesUnderHiddenRule == 1)
    limits.refusals = [Errno.notFound: 1]
    #expect(limits.sentences[1] == "the settings of 1 socket (No such file or directory (ENOENT))")
  }
}
