import Linux
import Support
import Testing

/// The fault that all of this is about, shown without any help from us.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"))
struct FoundingScenarioTests {
  struct Asking: Sendable, CustomTestStringConvertible {
    let wildcard, asked, wrongSource: String
    let testDescription: String

    /// Named by the address that is asked.
    init(_ wildcard: String, asked: String, wrongSource: String) {
      (self.wildcard, self.asked, self.wrongSource) = (wildcard, asked, wrongSource)
      testDescription = asked
    }
  }

  private func endpoint(_ address: String, _ port: UInt16) throws -> Endpoint {
    Endpoint(try #require(IPAddress(address)), port)
  }

  @Test(arguments: [
    Asking("0.0.0.0", asked: "192.168.106.242", wrongSource: "172.17.0.1"),
    Asking("::", asked: "fd06::242", wrongSource: "fd17::1"),
    Asking("::", asked: "192.168.106.242", wrongSource: "172.17.0.1"),
  ])
  func aWildcardServiceAnswersTheContainerFromTheWrongAddress(asking: Asking) throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: endpoint(asking.wildcard, 5678), in: network.host)
    let asked = try endpoint(asking.asked, 5678)
    let client = try UDPClient(in: network.container, to: asked)
    let clientEndpoint = try client.localEndpoint()
    let wire = try PacketCapture(interface: "docker0", in: network.host)

    var replies = 0
    for number in 1...3 {
      do throws(Errno) {
        if try client.ask("\(number)", within: .milliseconds(100)) != nil { replies += 1 }
      } catch {
        // The client's kernel refused the reply towards the host, and tells nobody here: its socket is not to blame.
        Issue.record("the client's socket reports \(error)")
      }
    }
    #expect(replies == 0)
    try service.waitForTally { $0.received == 3 }

    var packets: [CapturedPacket] = []
    try eventually("three refusals on docker0") {
      packets += try wire.drain()
      return packets.filter { $0.packet.refused != nil }.count >= 3
    }
    let wrong = try endpoint(asking.wrongSource, 5678)
    let answers = packets.filter { $0.packet.udp?.destination == clientEndpoint }
    #expect(answers.map { $0.packet.udp?.source } == [wrong, wrong, wrong])
    #expect(answers.allSatisfy { $0.direction == .outgoing })
    let refusals = packets.filter { $0.packet.refused != nil }
    #expect(refusals.allSatisfy { $0.packet.refused == .init(source: wrong, destination: clientEndpoint) })
    #expect(refusals.allSatisfy { $0.direction == .incoming && $0.packet.source == clientEndpoint.address })
    #expect(try wire.losses() == 0)
  }

  @Test func whoAsksTheAddressOnItsOwnSideIsAnswered() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: endpoint("::", 5678), in: network.host)
    for (asker, address) in [
      (network.container, "172.17.0.1"), (network.container, "fd17::1"), (network.lan, "192.168.106.242"),
      (network.lan, "fd06::242"),
    ] {
      let asked = try endpoint(address, service.endpoint.port)
      let reply = try UDPClient(in: asker, to: asked).ask("hello")
      #expect(reply?.from == asked)
      #expect(reply?.bytes == [UInt8]("hello".utf8))
    }
  }

  @Test func aServiceOnOneAddressAnswersFromIt() throws {
    let network = try FoundingNetwork()
    for address in FoundingNetwork.hostAddresses {
      let service = try TestService(on: Endpoint(address, 0), in: network.host)
      for asker in [network.container, network.lan] {
        #expect(try UDPClient(in: asker, to: service.endpoint).ask("hello")?.from == service.endpoint)
      }
    }
  }
}
