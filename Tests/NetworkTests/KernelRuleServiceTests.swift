import Linux
import Support
import Testing

/// Real, unmodified services whose replies the kernel mends.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct KernelRuleServiceTests {
  /// Not iperf3, which hears no second datagram of its own client's either, as nc does not, and so never gets as far as an
  /// answer.
  static let faulty = RealService.available.filter { service in
    (service.v4 == .answersByRouting || service.v6 == .answersByRouting) && service.program != "iperf3"
  }

  /// What becomes of a client's second datagram, from the same socket to the same address.
  enum Second: String {
    /// It is answered from the address that was asked.
    case answered
    /// So it is, but by another process than the first: to such a service it is a new conversation each time.
    case answeredByAnotherProcess
    /// It reaches no socket, and is refused: the one that the service has connected to the client is tied to the address
    /// that routing picked.
    case refused
  }

  /// Services that connect their socket to the client, and are not mended, although their first answer comes from the
  /// address that was asked.
  private static let unmended: [String: Second] = [
    "nc -u -l": .refused, "nc -6 -u -l": .refused, "socat UDP4-LISTEN,fork": .answeredByAnotherProcess,
    "socat UDP6-LISTEN,fork": .answeredByAnotherProcess,
  ]

  @Test(arguments: faulty)
  func aRealServiceAnswersFromTheAddressAskedTheFirstTimeAndMostDoTheSecond(service: RealService) throws {
    let network = try FoundingNetwork()
    let running = try service.start(in: network.host)
    let apply = try MultihomedProcess.launch(in: network.host, ["kernel", "apply", "\(running.port)"])
    #expect(try apply.waitForExit() == .status(0), "\(apply.lines())")
    let asked = [(service.v4, AdoptedHost.far), (service.v6, AdoptedHost.farV6)].filter { $0.0 != .doesNotListen }
    for (_, address) in asked {
      let wire = try PacketCapture(interface: "docker0", in: network.host)
      #expect(try running.ask(address, from: network.container), "\(service) at \(address): \(running.process.lines())")
      let asked = Endpoint(address, running.port)
      let question = try #require(try Self.first(to: asked, in: wire))
      if service.isForOneClient { try running.restart() }
      let second = try Self.second(question, of: asked, from: network)
      #expect(second == Self.unmended[service.name] ?? .answered, "\(service) at \(address)")
      if service.isForOneClient, address != AdoptedHost.farV6 { try running.restart() }
    }
  }

  /// The payload of the first datagram to the service.
  private static func first(to asked: Endpoint, in wire: PacketCapture) throws -> [UInt8]? {
    try wire.drain().lazy.map(\.packet).first { $0.udp?.destination == asked }.flatMap { packet in
      if case .udp(_, _, _, let payload) = packet.content { payload } else { nil }
    }
  }

  /// Asks twice from one socket.
  private static func second(_ question: [UInt8], of asked: Endpoint, from network: FoundingNetwork) throws -> Second? {
    let client = try UDPClient(in: network.container, to: asked)
    guard try client.ask(question) != nil else { return nil }
    let before = try network.host.socketAddresses(at: asked.port).count
    while try client.receive(within: .milliseconds(200)) != nil {}
    do throws(Errno) {
      guard try client.ask(question) != nil else { return nil }
    } catch .connectionRefused {
      return .refused
    }
    let after = try network.host.socketAddresses(at: asked.port).count
    return after > before ? .answeredByAnotherProcess : .answered
  }

  @Test func theDoctorSeesThatTheRuleMendsAndWhenItIsGone() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    let apply = try MultihomedProcess.launch(in: network.host, ["kernel", "apply", "5678"])
    #expect(try apply.waitForExit() == .status(0))
    let mended = try DoctorRun("--here --json 5678", in: network.host)
    #expect(mended.exit == .status(0))
    #expect(mended.lines.joined().contains("mended-by-kernel-rule"))
    try ManagedProcess.run("nft", ["flush", "ruleset"], in: network.host)
    #expect(try DoctorRun("--here 5678", in: network.host).exit == .status(1))
    _ = service
  }
}
