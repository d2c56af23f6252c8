import Glibc
import Linux
import Support
import Testing

/// What is not adopted, who may adopt, and what is said about it: one line and an exit status.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct AdoptionRefusalTests {
  private func refusal(
    in namespace: NetworkNamespace, _ arguments: [String], as user: UInt32? = nil, status: Int32 = 78,
    line: UInt = #line
  ) throws -> String {
    let command = (user.map(OtherUsers.command) ?? []) + [try MultihomedProcess.path(), "adopt"] + arguments
    let process = try ManagedProcess(command[0], Array(command.dropFirst()), in: namespace)
    #expect(try process.waitForExit() == .status(status), "line \(line): \(process.lines())")
    let lines = process.lines(of: .error)
    #expect(lines.count == 1 && process.lines(of: .output).isEmpty, "line \(line): \(lines)")
    return lines.last ?? ""
  }

  @Test func whereNobodyListensNothingIsAdopted() throws {
    let network = try PairNetwork()
    #expect(
      try refusal(in: network.host, ["5678"])
        == "multihomed: error: nothing listens on UDP port 5678 here; start the service first, or give --wait")
  }

  @Test func aServiceThatComesLaterIsWaitedForOnRequest() throws {
    let network = try FoundingNetwork()
    let process = try MultihomedProcess.launch(in: network.host, ["adopt", "5678", "--wait"])
    try process.waitForLine(containing: "waiting for a service on UDP port 5678")
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    try process.waitForLine(containing: "ready: 2 addresses, port 5678")
    _ = service
  }

  @Test func aServiceBoundToItsAddressNeedsNoMend() throws {
    let network = try PairNetwork()
    let service = try TestService(on: .of("10.1.0.1:5678"), in: network.host)
    #expect(try refusal(in: network.host, ["5678"]).contains("it is bound to 10.1.0.1:5678, and answers from there"))
    _ = service
  }

  @Test func besideAServiceOnLoopbackAloneTheCommandThatServesItIsTold() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("127.0.0.1:5678"), in: network.host)
    let words = try refusal(in: network.host, ["5678"]).split(separator: " ").map(String.init)
    let command = try #require(words.firstIndex(of: "multihomed").map { Array(words[($0 + 1)...]) })
    let relay = try MultihomedProcess.start(in: network.host, command)
    #expect(try UDPClient(in: network.container, to: Endpoint(AdoptedHost.far, 5678)).ask("hello") != nil)
    _ = (service, relay)
  }

  @Test func theOtherFamilyIsNotAdopted() throws {
    let network = try PairNetwork()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    #expect(try refusal(in: network.host, ["5678", "--ipv6-only"]).contains("takes the other address family only"))
    _ = service
  }

  @Test(.enabled(if: RealService.socatListen.isAvailable))
  func socatThatBindsASocketForEachClientIsRefusedAndWorksOn() throws {
    let network = try FoundingNetwork()
    let running = try RealService.socatListen.start(in: network.host)
    #expect(try refusal(in: network.host, ["5678"]).contains("`multihomed kernel apply 5678`"))
    for _ in 1...2 { #expect(try running.ask(AdoptedHost.near, from: network.container)) }
  }

  @Test func aServiceOnOneInterfaceIsRefused() throws {
    let network = try PairNetwork()
    let service = try HeldService(on: .of("0.0.0.0:5678"), in: network.host) { socket in
      _ = unsafe setsockopt(socket.descriptor, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 4)
    }
    #expect(try refusal(in: network.host, ["5678"]).contains("is bound to interface eth0"))
    _ = service
  }

  @Test func aServiceWhoseProcessIsNotVisibleIsRefused() throws {
    let network = try PairNetwork()
    let service = try HeldService(on: .of("0.0.0.0:5678"), in: network.host)
    let hidden = try HiddenSocket(#require(service.socket))
    service.forget()
    #expect(
      try refusal(in: network.host, ["5678"]).contains(
        "no process that is visible here holds its socket: when it runs in"))
    _ = hidden
  }

  @Test(arguments: [
    ([], "which service? give its port, as in: multihomed adopt 5678"),
    (["0"], "'0' is not a port to adopt; give one number from 1 to 65535, as in: multihomed adopt 5678"),
    (["5678-5680"], "'5678-5680' is not a port to adopt"),
    (["--listen", "5678"], "what to listen on and the backend follow from the service; give its port alone"),
    (["5678", "--backend", "127.0.0.1:1"], "what to listen on and the backend follow from the service"),
    (["5678", "--loopback"], "what to listen on and the backend follow from the service"),
  ])
  func whatCannotBeMeantIsAnsweredByAnExample(arguments: [String], message: String) throws {
    let network = try PairNetwork()
    #expect(try refusal(in: network.host, arguments, status: 64).hasPrefix("multihomed: error: \(message)"))
  }

  @Test func aSecondAdoptionIsRefusedAndTheFirstGoesOn() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    let host = try AdoptedHost(network, port: 5678, ["--workers", "2"])
    #expect(try refusal(in: network.host, ["5678"]).contains("is adopted already, by multihomed (pid "))
    let client = try UDPClient(in: network.container, to: Endpoint(AdoptedHost.far, 5678))
    #expect(try client.ask("hello") != nil)
    _ = (service, host)
  }

  /// With SO_REUSEADDR on both sides, the kernel lets anybody bind beside the service, adopted or not.
  @Test func aStrangerOnThePortEndsTheAdoption() throws {
    let network = try FoundingNetwork()
    let open = { @Sendable (socket: Socket) in
      var on: Int32 = 1
      _ = unsafe setsockopt(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, 4)
    }
    let service = try HeldService(on: .of("0.0.0.0:5678"), in: network.host, open)
    let host = try AdoptedHost(network, port: 5678)
    // Our listeners do not have it: nobody gets onto their addresses.
    #expect(throws: Errno.addressInUse) {
      try HeldService(on: Endpoint(AdoptedHost.far, 5678), in: network.host, open)
    }
    // A second look, as after every adoption, finds who came by another way.
    let stranger = try HeldService(on: .of("127.0.0.1:5678"), in: network.host, open)
    try network.host.add(["192.168.106.99/24"], to: "eth0")
    #expect(try host.relay.process.waitForExit() == .status(1))
    let last = try #require(host.relay.process.lines(of: .error).last)
    #expect(last.contains("another socket of user \(geteuid()) is on 127.0.0.1:5678"), "\(last)")
    #expect(try network.host.socketAddresses(at: 5678).count == 2)
    _ = (service, stranger)
  }

  // MARK: Rights

  @Test func theOneThatRelaysHasNoRightsAndTheBrokerFew() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    let host = try AdoptedHost(network, port: 5678)
    let relay = host.relay.process.processID
    for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
      #expect(try AdoptedHost.status(set, of: relay) == "0000000000000000")
    }
    #expect(try AdoptedHost.status("NoNewPrivs", of: relay) == "1")
    // Of a user that no other process is of, who could send it signals.
    if OtherUsers.arePossible {
      #expect(try AdoptedHost.status("Uid", of: relay) == "\(1_879_048_192 + UInt32(relay))")
    }
    // CAP_DAC_READ_SEARCH, CAP_SETUID, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN and CAP_SYS_PTRACE.
    let allowed: UInt64 = 1 << 2 | 1 << 7 | 1 << 10 | 1 << 12 | 1 << 19
    let broker = try #require(UInt64(try AdoptedHost.status("CapPrm", of: host.broker()), radix: 16))
    #expect(broker & ~allowed == 0)
    _ = service
  }

  @Test func rootThatCannotBecomeAnotherSaysSoAndHasNoRightsAllTheSame() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    let process = try ManagedProcess(
      "setpriv", ["--bounding-set", "-setuid,-setgid", "--", try MultihomedProcess.path(), "adopt", "5678"],
      in: network.host)
    try process.waitForLine(containing: "ready: 2 addresses")
    #expect(
      process.lines(of: .error).contains {
        $0.hasPrefix("multihomed: warning: stays user 0, though without capabilities")
      })
    #expect(try AdoptedHost.status("CapPrm", of: process.processID) == "0000000000000000")
    _ = service
  }

  @Test(.enabled(if: OtherUsers.arePossible, "\(OtherUsers.obstacle ?? "")"))
  func ourOwnServiceIsAdoptedWithoutAnyRight() throws {
    let network = try FoundingNetwork()
    let running = try RealService.socatReceive.start(in: network.host, user: OtherUsers.somebody)
    let command = OtherUsers.command(for: OtherUsers.somebody) + [try MultihomedProcess.path(), "adopt", "5678"]
    let process = try ManagedProcess(command[0], Array(command.dropFirst()), in: network.host)
    try process.waitForLine(containing: "ready: 2 addresses")
    #expect(try AdoptedHost.status("CapPrm", of: process.processID) == "0000000000000000")
    #expect(try running.ask(AdoptedHost.far, from: network.container))
  }

  @Test(.enabled(if: OtherUsers.arePossible, "\(OtherUsers.obstacle ?? "")"))
  func rootAdoptsAnotherUsersService() throws {
    let network = try FoundingNetwork()
    let running = try RealService.socatReceive.start(in: network.host, user: OtherUsers.somebody)
    let host = try AdoptedHost(network, port: 5678)
    #expect(try running.ask(AdoptedHost.far, from: network.container))
    // The listeners belong to the service's user: that is what keeps everybody else out.
    let owners = try network.host.run { () throws(Errno) in
      try UDPSocketTable.read(port: 5678).filter { !$0.isWildcard && $0.peer == nil }.map(\.user)
    }
    #expect(owners == [OtherUsers.somebody, OtherUsers.somebody])
    _ = host
  }

  /// Making a socket in root's name, and going back to one's own, takes some of a thread's capabilities out of effect.
  @Test(.enabled(if: OtherUsers.arePossible, "\(OtherUsers.obstacle ?? "")"))
  func theBrokersRightsStayInEffect() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    let rights = "+sys_ptrace,+setuid,+dac_read_search"
    let process = try ManagedProcess(
      "setpriv",
      [
        "--reuid", "4321", "--regid", "4321", "--clear-groups", "--inh-caps", rights, "--ambient-caps", rights, "--",
        try MultihomedProcess.path(), "adopt", "5678",
      ], in: network.host)
    try process.waitForLine(containing: "ready: 2 addresses")
    let children = ProcFile.read("/proc/\(process.processID)/task/\(process.processID)/children")
    let broker = try #require(children?.split(separator: " ").first.flatMap { Int32($0) })
    let permitted = try AdoptedHost.status("CapPrm", of: broker)
    #expect(UInt64(permitted, radix: 16) == 1 << 2 | 1 << 7 | 1 << 19)
    #expect(try AdoptedHost.status("CapEff", of: broker) == permitted)
    _ = service
  }

  @Test(.enabled(if: OtherUsers.arePossible, "\(OtherUsers.obstacle ?? "")"))
  func theMissingRightsAreNamed() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    let low = try TestService(on: .of("0.0.0.0:53"), in: network.host)
    #expect(
      try refusal(in: network.host, ["5678"], as: OtherUsers.somebody)
        == "multihomed: error: the service on port 5678 belongs to user 0, and cannot be seen; missing: CAP_SYS_PTRACE, "
        + "CAP_SETUID; run as root, or give the right with: setcap cap_sys_ptrace,cap_setuid=+ep "
        + "\(MultihomedProcess.realPath()) (\(SetcapHint.caution))"
    )
    #expect(
      try refusal(in: network.host, ["53"], as: OtherUsers.somebody).contains(
        "missing: CAP_SYS_PTRACE, CAP_SETUID, CAP_NET_BIND_SERVICE;"))
    _ = (service, low)
  }

  /// CAP_SYS_PTRACE alone cannot list another user's descriptors.
  @Test(.enabled(if: OtherUsers.arePossible, "\(OtherUsers.obstacle ?? "")"))
  func theNamedRightsSuffice() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:53"), in: network.host)
    let rights = "+sys_ptrace,+setuid,+net_bind_service"
    let process = try ManagedProcess(
      "setpriv",
      [
        "--reuid", "4321", "--regid", "4321", "--clear-groups", "--inh-caps", rights, "--ambient-caps", rights, "--",
        try MultihomedProcess.path(), "adopt", "53",
      ], in: network.host)
    try process.waitForLine(containing: "ready: 2 addresses")
    let client = try UDPClient(in: network.container, to: Endpoint(AdoptedHost.far, 53))
    #expect(try client.ask("hello") != nil)
    #expect(try AdoptedHost.status("CapPrm", of: process.processID) == "0000000000000000")
    _ = service
  }

  @Test func theBrokerIsNotStartedByHand() throws {
    let process = try MultihomedProcess.launch(["adoption-broker", "5678"])
    #expect(try process.waitForExit() == .status(1))
    #expect(process.lines(of: .error).first?.contains("is started by `multihomed adopt`, not by hand") == true)
  }
}
