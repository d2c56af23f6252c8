import Linux
import Support
import Testing

/// What is known of real services, measured anew: from which address they answer a container that asks the address which
/// is not on its side.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct RealServiceTests {
  /// Passes over those that are not here, and says why.
  @Test(.enabled(if: RealService.obstacles.isEmpty, "\(RealService.obstacles.joined(separator: "; "))"))
  func allOfThemAreHere() { #expect(RealService.available.count == RealService.all.count) }

  @Test(arguments: RealService.available)
  func itAnswersFromWhereItIsKnownTo(service: RealService) throws {
    let scene = try Scene(service)
    for (behaviour, near, far) in [(service.v4, "172.17.0.1", "192.168.106.242"), (service.v6, "fd17::1", "fd06::242")]
    {
      try scene.proveThatItWorks(at: .of(near), behaviour)
      guard behaviour != .doesNotListen else { continue }
      let outcome = try scene.ask(.of(far))
      let isMended = behaviour == .answersFromTheAddressAsked
      #expect(
        outcome.isAnswered == (isMended || service.clientTakesAnySource),
        "\(service) at \(far): \(scene.running.process.lines())")
      #expect(outcome.sources == [try .of(isMended ? far : near)], "\(service) at \(far): \(outcome.sources)")
    }
    #expect(service.isForOneClient || scene.running.process.exit == nil)
  }
}

/// A service on the host of the founding scenario, and the wire to the container.
private struct Scene {
  let network: FoundingNetwork
  let running: RunningService
  let wire: PacketCapture

  init(_ service: RealService) throws {
    network = try FoundingNetwork()
    running = try service.start(in: network.host)
    wire = try PacketCapture(interface: "docker0", in: network.host)
  }

  /// It answers at an address on the asker's side: otherwise it would prove nothing that it does not at another one.
  func proveThatItWorks(at near: IPAddress, _ behaviour: RealService.Behaviour) throws {
    if case .address(let only) = running.service.place {
      let isAnswered = try only.isIPv4 != near.isIPv4 || running.ask(only, from: network.host)
      #expect(isAnswered, "\(running.service) does not answer the host at \(only)")
    } else if behaviour != .doesNotListen {
      let outcome = try ask(near)
      #expect(outcome.isAnswered, "\(running.service) at \(near): \(running.process.lines())")
      #expect(outcome.sources == [near], "\(running.service) at \(near)")
    }
  }

  /// The container asks, and waits for an answer until one has come from elsewhere that its client does not take. What its
  /// kernel says to that is not waited for: the rate of ICMP errors is limited.
  ///
  /// - Returns: whether it was answered, and every address from which datagrams went to whoever asked.
  func ask(_ address: IPAddress) throws -> (isAnswered: Bool, sources: Set<IPAddress>) {
    let asked = Endpoint(address, running.port)
    let asking = try running.service.beginToAsk(asked, from: network.container)
    var packets: [CapturedPacket] = []
    var sources: Set<IPAddress> = []
    let isAnswered = try eventually("\(running.service) at \(asked) answers") {
      let isAnswered = asking.isAnswered
      packets += try wire.drain()
      sources = repliers(to: asked, in: packets)
      let isFromElsewhere = sources.contains { $0 != address } && !running.service.clientTakesAnySource
      return isAnswered ?? (isFromElsewhere ? false : nil)
    }
    if running.service.isForOneClient { try running.restart() }
    return (isAnswered, sources)
  }

  /// From where those have heard who asked. Not who asked earlier: OpenVPN and xl2tpd try again for a while.
  private func repliers(to asked: Endpoint, in packets: [CapturedPacket]) -> Set<IPAddress> {
    let datagrams = packets.compactMap(\.packet.udp)
    let askers = Set(datagrams.filter { $0.destination == asked }.map(\.source))
    return Set(datagrams.filter { askers.contains($0.destination) }.map(\.source.address))
  }
}
