import Glibc
import Linux
import Support
import Testing

/// Which sockets the doctor judges, on ports that the kernel takes for clients, and what it says of the others.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct DoctorScopeTests {
  /// The ports that were judged without being asked for.
  private func judged(in namespace: NetworkNamespace) throws -> [Int] {
    try DoctorRun("--here --json", in: namespace).services().compactMap { $0["port"]?.integer }
  }

  @Test func aSocketOnAClientsPortIsNamedAndJudgedOnRequest() throws {
    let network = try FoundingNetwork()
    // nc would not do: it asks for SO_REUSEADDR.
    let service = try TestService(on: .of("0.0.0.0:40000"), in: network.host)
    let name = SocketHolder.name(of: getpid())
    let run = try DoctorRun("--here", in: network.host)
    #expect(run.exit == .status(0))
    #expect(
      run.lines.joined(separator: " ")
        == "No UDP service is bound to the wildcard address.  Left out: 1 socket on clients' ports, of \(name) (40000); "
        + "to have them judged: multihomed doctor --all")
    let place = try #require(try DoctorRun("--here --json", in: network.host).json()["namespaces"]?[0])
    #expect(place["client_sockets"] == .integer(1))
    #expect(place["left_out"]?[0]?["port"] == .integer(40_000))
    #expect(place["left_out"]?[0]?["pids"] == .array([.integer(Int(getpid()))]))
    for scope in ["--all", "40000"] {
      let run = try DoctorRun("--here --json \(scope)", in: network.host)
      #expect(run.exit == .status(1))
      #expect(try run.service().verdict == "faulty (answers-by-routing)")
      #expect(try run.json()["namespaces"]?[0]?["left_out"] == .array([]))
    }
    _ = service
  }

  @Test func everySocketIsJudgedOnRequest() throws {
    let network = try FoundingNetwork()
    let services = try ["192.168.106.242:5678", "127.0.0.1:5679", "[::]:41000"].map { text in
      try TestService(on: .of(text), in: network.host)
    }
    defer { withExtendedLifetime(services) {} }
    let found = try DoctorRun("--here --all --json", in: network.host).services()
    #expect(
      found.map(\.verdict) == [
        "healthy (bound-to-addresses)", "healthy (bound-to-loopback)", "faulty (answers-by-routing)",
      ])
  }

  /// A socket with a port that the kernel chose is a client's, whatever else is the same.
  @Test func whatTheKernelChoseIsLeftOut() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:0"), in: network.host)
    #expect(try judged(in: network.host) == [])
    _ = service
  }

  @Test func bothFamiliesOnOnePortAreAService() throws {
    let network = try FoundingNetwork()
    let services = try [
      HeldService(on: .of("0.0.0.0:40000"), in: network.host),
      HeldService(on: .of("[::]:40000"), in: network.host) { try? $0.apply([.v6Only]) },
    ]
    defer { withExtendedLifetime(services) {} }
    #expect(try judged(in: network.host) == [40_000])
  }

  @Test(arguments: [SO_REUSEADDR, SO_REUSEPORT])
  func whoWantsThePortInSpiteOfOthersIsAService(option: Int32) throws {
    let network = try FoundingNetwork()
    let service = try HeldService(on: .of("0.0.0.0:40000"), in: network.host) { socket in
      var on: Int32 = 1
      _ = unsafe setsockopt(socket.descriptor, SOL_SOCKET, option, &on, 4)
    }
    #expect(try judged(in: network.host) == [40_000])
    _ = service
  }

  @Test func aPortThatIsReservedForAServiceIsOne() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:40000"), in: network.host)
    #expect(try judged(in: network.host) == [])
    try network.host.set("net/ipv4/ip_local_reserved_ports", to: "39000,40000-40010")
    #expect(try judged(in: network.host) == [40_000])
    _ = service
  }

  @Test(arguments: [34_197, 51_820] as [UInt16]) func aPortThatServicesAreKnownByIsOne(port: UInt16) throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: Endpoint(.anyIPv4, port), in: network.host)
    #expect(try judged(in: network.host) == [Int(port)])
    _ = service
  }

  /// The commands of the report serve the port that they name.
  @Test func aServiceOnLoopbackIsServedByTheCommandThatIsTold() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("127.0.0.1:5678"), in: network.host)
    let run = try DoctorRun("--here 5678", in: network.host)
    #expect(run.exit == .status(0))
    let words = try #require(run.lines.last).split(separator: " ").map(String.init)
    #expect(words.first == "multihomed")
    let relay = try MultihomedProcess.start(in: network.host, Array(words.dropFirst()))
    let far = try Endpoint.of("192.168.106.242:5678")
    #expect(try UDPClient(in: network.container, to: far).ask("hello") != nil)
    _ = (service, relay)
  }
}
