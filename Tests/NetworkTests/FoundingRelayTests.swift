import Linux
import Support
import Testing

/// The founding scenario with the relay in it: every address of the host answers for itself.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct FoundingRelayTests {
  /// Where the unmodified service is bound, and how the relay is told to reach it.
  struct Placement: Sendable, CustomTestStringConvertible {
    let service: String
    let options: String

    var testDescription: String { "\(service), relay --listen 5678 \(options)" }
  }

  /// Link-local addresses that are usable at once, beside those that the kernel makes.
  private static let linkLocal = (docker: "fe80::d", eth: "fe80::e")

  private func network() throws -> FoundingNetwork {
    let network = try FoundingNetwork()
    try network.host.add(["\(Self.linkLocal.docker)/64"], to: "docker0")
    try network.host.add(["\(Self.linkLocal.eth)/64"], to: "eth0")
    try network.container.add(["fe80::c/64"], to: "eth0")
    try network.lan.add(["fe80::a/64"], to: "eth0")
    return network
  }

  /// Every address of the host that can be asked from a neighbour, in the neighbour's eyes: with its scope.
  private func addresses(asking neighbour: NetworkNamespace, linkLocal: String) throws -> [IPAddress] {
    let scoped = try neighbour.run { () throws(Errno) in IPAddress("\(linkLocal)%eth0") }
    return FoundingNetwork.hostAddresses + [try #require(scoped)]
  }

  @Test(arguments: [
    Placement(service: "127.0.0.1:5678", options: "--backend 127.0.0.1:5678"),
    Placement(service: "0.0.0.0:15678", options: "--backend 127.0.0.1:15678"),
    Placement(service: "[::]:15678", options: "--backend 127.0.0.1:15678 --workers 2"),
    Placement(service: "[::]:15678", options: "--backend [::1]:15678"),
    Placement(service: "0.0.0.0:15678", options: "--backend 127.0.0.1:15678 --upstream connected"),
    Placement(service: "[::]:15678", options: "--backend [::1]:15678 --workers 2"),
  ])
  func everyAddressAnswersContainerAndNeighbour(_ placement: Placement) throws {
    let network = try network()
    let service = try TestService(on: .of(placement.service), in: network.host)
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 \(placement.options)")
    var ledger = Ledger()
    for (asker, linkLocal) in [
      (network.container, Self.linkLocal.docker), (network.lan, Self.linkLocal.eth),
    ] {
      for address in try addresses(asking: asker, linkLocal: linkLocal) {
        let asked = Endpoint(address, 5678)
        let client = try UDPClient(in: asker, to: asked)
        let requests = (1...3).map { [UInt8]("\($0) for \(address)".utf8) }
        for request in requests {
          let reply = try client.ask(request)
          #expect(reply?.from == asked)
          #expect(reply?.bytes == request)
        }
        ledger.echoed(at: Endpoint(address.scoped(0), 5678), requests)
        ledger.began(1)
      }
    }
    #expect(ledger.sessions == 10)
    #expect(service.tally.received == 30)
    try relay.settle(on: ledger)
  }

  /// How a client's three questions ended, as seen by itself and on its wire.
  private struct Outcome: Equatable {
    var replies = 0
    var sources: Set<Endpoint> = []
    var refusals = 0
  }

  private func askThrice(_ asked: Endpoint, in network: FoundingNetwork, expectingReplies: Bool) throws -> Outcome {
    let wire = try PacketCapture(interface: "docker0", in: network.host)
    let client = try UDPClient(in: network.container, to: asked)
    let me = try client.localEndpoint()
    var outcome = Outcome()
    for number in 1...3 {
      let limit: Nanoseconds = expectingReplies ? .seconds(2) : .milliseconds(100)
      if try client.ask("\(number)", within: limit) != nil { outcome.replies += 1 }
    }
    // The third answer is the last thing to pass; what refuses it follows at once.
    var answers = 0
    while answers < 3 || (!expectingReplies && outcome.refusals < 3) {
      guard let packet = try wire.next(within: .seconds(5))?.packet else { break }
      if let udp = packet.udp, udp.destination == me {
        answers += 1
        outcome.sources.insert(udp.source)
      }
      if packet.refused?.destination == me { outcome.refusals += 1 }
    }
    return outcome
  }

  @Test(arguments: ["192.168.106.242", "fd06::242"])
  func theSameServiceFailsWithoutUsAndAnswersWithUs(address: String) throws {
    let network = try network()
    let wrong = try IPAddress.of(address.contains(":") ? "fd17::1" : "172.17.0.1")
    let asked = Endpoint(try .of(address), 5678)
    do {
      let service = try TestService(on: .of("[::]:5678"), in: network.host)
      let outcome = try askThrice(asked, in: network, expectingReplies: false)
      #expect(outcome == Outcome(replies: 0, sources: [Endpoint(wrong, 5678)], refusals: 3))
      #expect(service.tally.received == 3)
    }
    let service = try TestService(on: .of("[::]:15678"), in: network.host)
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend 127.0.0.1:15678")
    let outcome = try askThrice(asked, in: network, expectingReplies: true)
    #expect(outcome == Outcome(replies: 3, sources: [asked], refusals: 0))
    #expect(service.tally.received == 3)
    var ledger = Ledger()
    ledger.echoed(at: asked, [[1], [2], [3]])
    ledger.began(1)
    try relay.settle(on: ledger)
  }

  @Test func everyClientHasASourceAddressOfItsOwnHoweverManyWorkersThereAre() throws {
    let network = try network()
    let service = try UDPClient(in: network.host, from: .of("127.0.0.1:7000"))
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend 127.0.0.1:7000 --workers 4")
    var sources: Set<IPAddress> = []
    for number in 0..<16 {
      let client = try UDPClient(in: network.container, from: Endpoint(.anyIPv4, UInt16(41_000 + number)))
      try client.send("\(number)", to: .of("192.168.106.242:5678"))
      let request = try #require(try service.receive(within: .seconds(5)))
      #expect(request.bytes == [UInt8]("\(number)".utf8))
      sources.insert(request.from.address)
    }
    #expect(sources.count == 16)
    #expect(relay.process.exit == nil)
  }

  @Test(arguments: ["--backend 127.0.0.1:5678", "--backend [::1]:5678", "--backend 127.0.0.1:5678 --workers 2"])
  func whoAsksTwoAddressesFromOnePortIsAnsweredByEach(options: String) throws {
    let network = try network()
    let backend = try Endpoint.of(String(options.split(separator: " ")[1]))
    let service = try TestService(on: backend, in: network.host)
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 \(options)")
    var ledger = Ledger()
    for (source, addresses) in [
      ("0.0.0.0:40000", ["172.17.0.1", "192.168.106.242"]), ("[::]:40001", ["fd17::1", "fd06::242", "fe80::d"]),
    ] {
      let client = try UDPClient(in: network.container, from: .of(source))
      let asked = try addresses.map { text in
        let isLinkLocal = text.hasPrefix("fe80")
        let address = try network.container.run { () throws(Errno) in IPAddress(isLinkLocal ? "\(text)%eth0" : text) }
        return Endpoint(try #require(address), 5678)
      }
      // All are asked before any answer is taken, twice.
      for round in 1...2 {
        for endpoint in asked { try client.send("\(round) \(endpoint)", to: endpoint) }
        var answers: [Endpoint: [UInt8]] = [:]
        for _ in asked {
          let answer = try #require(try client.receive())
          answers[answer.from] = answer.bytes
        }
        for endpoint in asked {
          let text = [UInt8]("\(round) \(endpoint)".utf8)
          #expect(answers[endpoint] == text)
          ledger.echoed(at: Endpoint(endpoint.address.scoped(0), 5678), [text])
        }
      }
      ledger.began(asked.count)
    }
    try relay.settle(on: ledger)
    #expect(service.tally.clients.count == 5)
  }
}
