import Glibc
import Linux
import Support
import Testing

/// Running, unmodified services get a relay beside them, and know nothing of it.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct AdoptionTests {
  /// Those that answer by routing and keep their sockets. Not iperf3, which has a UDP socket only while a client measures,
  /// nor socat's UDP-LISTEN, which binds one for each client.
  static let adoptable = RealService.available.filter { service in
    (service.v4 == .answersByRouting || service.v6 == .answersByRouting) && service.program != "iperf3"
      && !service.name.contains("LISTEN")
  }

  @Test(arguments: adoptable)
  func aRealServiceAnswersFromTheAddressAsked(service: RealService) throws {
    let network = try FoundingNetwork()
    let running = try service.start(in: network.host)
    let process = running.process.processID
    let host = try AdoptedHost(network, port: running.port)
    let asked = [(service.v4, AdoptedHost.far), (service.v6, AdoptedHost.farV6)].filter { $0.0 != .doesNotListen }
    for (_, address) in asked {
      let wire = try PacketCapture(interface: "docker0", in: network.host)
      #expect(try running.ask(address, from: network.container), "\(service) at \(address): \(running.process.lines())")
      let sources = try wire.drain().compactMap(\.packet.udp).filter { $0.source.port == running.port }
      #expect(!sources.isEmpty && sources.allSatisfy { $0.source.address == address }, "\(service): \(sources)")
      if service.isForOneClient, asked.count > 1 {
        try running.restart()
        try host.relay.process.waitForLine(containing: "is on port")
      }
    }
    #expect(service.isForOneClient || running.process.processID == process)
    #expect(running.process.exit == nil)
  }

  @Test func noMoreIsServedThanTheServiceServes() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: Endpoint(.anyIPv4, 5678), in: network.host)
    let host = try AdoptedHost(network, port: 5678)
    #expect(host.relay.ready.hasPrefix("ready: 2 addresses, port 5678, backend 127.0.0.1:5678, beside "))
    let six = try UDPClient(in: network.container, to: Endpoint(AdoptedHost.farV6, 5678))
    #expect(throws: Errno.connectionRefused) { try six.ask("anybody?") }
    _ = service
  }

  @Test func anIPv6OnlyServiceIsReachedOnItsOwnLoopback() throws {
    let network = try FoundingNetwork()
    let service = try HeldService(on: Endpoint(.anyIPv6, 5678), in: network.host) { try? $0.apply([.v6Only]) }
    let host = try AdoptedHost(network, port: 5678)
    #expect(host.relay.ready.contains("backend [::1]:5678"))
    let client = try UDPClient(in: network.container, to: Endpoint(AdoptedHost.farV6, 5678))
    try client.send("hello")
    try eventually("the service has answered") {
      try service.serve()
      return try client.receive(within: .milliseconds(5))?.bytes == [UInt8]("hello".utf8)
    }
  }

  @Test func everyDatagramIsCounted() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: Endpoint(.anyIPv6, 5678), in: network.host)
    let host = try AdoptedHost(network, port: 5678)
    var ledger = Ledger()
    for address in FoundingNetwork.hostAddresses {
      let client = try UDPClient(in: network.container, to: Endpoint(address, 5678))
      for number in 1...10 {
        let datagram = pattern(100, seed: number)
        #expect(try client.ask(datagram)?.bytes == datagram)
        ledger.echoed(at: Endpoint(address, 5678), [datagram])
      }
      ledger.began(1)
    }
    try host.relay.settle(on: ledger)
    #expect(service.tally.clients.allSatisfy { $0.address.v4 >> 22 == 0x7f40_0000 >> 22 })
  }

  /// It cannot be told from one that opens a socket for each client, before it has one.
  @Test func aServiceThatMayOpenASocketForEachClientIsAdoptedWithAWord() throws {
    let network = try FoundingNetwork()
    let service = try HeldService(on: .of("0.0.0.0:5678"), in: network.host) { try? $0.setReusesAddress(true) }
    let host = try AdoptedHost(network, port: 5678)
    try host.relay.process.waitForLine(
      containing: "sets SO_REUSEADDR, as services do that open a socket for each client")
    _ = service
  }

  /// Addresses outside of 127.0.0.0/8 that lead to this host are not loopback to a service that trusts it. Without a
  /// source in their route, a wildcard service would answer each from that one itself.
  @Test func whatTheServiceSeesItsClientsAsIsTold() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: Endpoint(.anyIPv4, 5678), in: network.host)
    try network.host.ip(["route add local 10.200.0.0/16 dev lo src 127.0.0.1"])
    for (options, seenAs) in [
      ([], "addresses of this host from now on: what it grants to loopback, it grants to everybody"),
      (["--source-pool", "10.200.0.0/16"], "addresses of 10.200.0.0/16 from now on: what it grants to those"),
    ] {
      let host = try AdoptedHost(network, port: 5678, options)
      try host.relay.process.waitForLine(containing: "sees its clients as \(seenAs)")
      let client = try UDPClient(in: network.container, to: Endpoint(AdoptedHost.far, 5678))
      #expect(try client.ask("hello") != nil)
      try host.relay.stop()
    }
    #expect(service.tally.clients.contains { $0.address.v4 >> 16 == 0x0ac8 })
  }

  @Test func anAddressThatComesLaterIsServedToo() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: Endpoint(.anyIPv4, 5678), in: network.host)
    let host = try AdoptedHost(network, port: 5678)
    try network.host.add(["192.168.106.99/24"], to: "eth0")
    let client = try UDPClient(in: network.container, to: .of("192.168.106.99:5678"))
    try host.relay.process.waitForLine(containing: "192.168.106.99:5678")
    #expect(try client.ask("hello")?.bytes == [UInt8]("hello".utf8))
    _ = service
  }

  @Test func anAddressThatSomebodyElseHoldsIsLeftToThem() throws {
    let network = try FoundingNetwork()
    let other = try HeldService(on: .of("192.168.106.242:5678"), in: network.host) { try? $0.setSharesPort(true) }
    let service = try HeldService(on: .of("0.0.0.0:5678"), in: network.host) { try? $0.setSharesPort(true) }
    let host = try AdoptedHost(network, port: 5678)
    #expect(host.relay.ready.hasPrefix("ready: 1 address,"))
    try host.relay.process.waitForLine(containing: "another process holds an address and port that we want")
    _ = (other, service)
  }

  @Test(arguments: [SIGTERM, SIGKILL])
  func theServiceIsAsItWasWhenWeEnd(signal: Int32) throws {
    let network = try FoundingNetwork()
    let service = try HeldService(on: .of("0.0.0.0:5678"), in: network.host)
    let host = try AdoptedHost(network, port: 5678)
    let broker = try host.broker()
    host.relay.process.signal(signal)
    try host.relay.process.waitForExit()
    try eventually("the broker has ended") { ProcFile.read("/proc/\(broker)/stat") == nil }
    let socket = try #require(service.socket)
    #expect(!socket.sharesPort && !socket.reusesAddress)
    #expect(try network.host.socketAddresses(at: 5678) == [.anyIPv4])
    let client = try UDPClient(in: network.container, to: Endpoint(AdoptedHost.near, 5678))
    try client.send("hello")
    try eventually("an answer from the service itself") {
      try service.serve()
      return try client.receive(within: .milliseconds(5)) != nil
    }
  }
}
