import Linux
import Support
import Testing

/// Real, unmodified services whose replies the kernel mends.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct KernelRuleServiceTests {
  /// Not iperf3, which connects its socket to whoever asks: that binds it to the address that routing picks, and what the
  /// client sends to the address that it asked comes to it no more.
  static let faulty = RealService.available.filter { service in
    (service.v4 == .answersByRouting || service.v6 == .answersByRouting) && service.program != "iperf3"
  }

  @Test(arguments: faulty)
  func aRealServiceAnswersFromTheAddressAsked(service: RealService) throws {
    let network = try FoundingNetwork()
    let running = try service.start(in: network.host)
    let apply = try MultihomedProcess.launch(in: network.host, ["kernel", "apply", "\(running.port)"])
    #expect(try apply.waitForExit() == .status(0), "\(apply.lines())")
    let asked = [(service.v4, AdoptedHost.far), (service.v6, AdoptedHost.farV6)].filter { $0.0 != .doesNotListen }
    for (_, address) in asked {
      let wire = try PacketCapture(interface: "docker0", in: network.host)
      #expect(try running.ask(address, from: network.container), "\(service) at \(address): \(running.process.lines())")
      let asked = Endpoint(address, running.port)
      let askers = try Set(wire.drain().compactMap(\.packet.udp).filter { $0.destination == asked }.map(\.source))
      #expect(!askers.isEmpty)
      if service.isForOneClient, address != AdoptedHost.farV6 { try running.restart() }
    }
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
