import Linux
import Support
import Testing

/// The kernel's rule, with a service that knows nothing of it and is bound to the wildcard address.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct KernelRuleTests {
  @Test(arguments: [
    ("0.0.0.0", "192.168.106.242", "ipv4"), ("::", "192.168.106.242", "ipv4"), ("::", "fd06::242", "ipv6"),
  ])
  func theContainerIsAnsweredFromTheAddressThatItAsked(wildcard: String, asked: String, family: String) throws {
    let scene = try KernelRuleHost()
    let service = try TestService(on: Endpoint(.of(wildcard), 5678), in: scene.host)
    try scene.kernel("apply 5678")
    let asked = Endpoint(try .of(asked), 5678)
    let client = try UDPClient(in: scene.network.container, to: asked)
    for number in 1...5 {
      let reply = try client.ask("\(number)")
      #expect(reply?.from == asked)
      #expect(reply?.bytes == [UInt8]("\(number)".utf8))
    }
    #expect(service.tally.clients == [try client.localEndpoint()])
    #expect(try scene.counts(family) == exchanges(5))
    #expect(try scene.counts(family == "ipv4" ? "ipv6" : "ipv4") == [:])
    #expect(try scene.clients(family) == 1)
  }

  /// Link-local clients of the same address on two links are two clients.
  @Test func everyAddressAnswersContainerAndNeighbourOverLinkLocalToo() throws {
    let scene = try KernelRuleHost()
    let (host, network) = (scene.host, scene.network)
    for (interface, address) in [
      ("docker0", "fe80::d"), ("docker0", "fe80::dd"), ("eth0", "fe80::e"), ("eth0", "fe80::ee"),
    ] {
      try host.add(["\(address)/64"], to: interface)
    }
    let service = try TestService(on: .of("[::]:5678"), in: host)
    try scene.kernel("apply 5678")
    var asked = 0
    for (asker, own) in [(network.container, ["fe80::d", "fe80::dd"]), (network.lan, ["fe80::e", "fe80::ee"])] {
      try asker.add(["fe80::c/64"], to: "eth0")
      let client = try UDPClient(in: asker, from: try scene.endpoint("fe80::c%eth0", 40_000, in: asker))
      for address in own + ["fd06::242"] {
        let endpoint = try scene.endpoint(address.hasPrefix("fe80") ? "\(address)%eth0" : address, in: asker)
        // Towards a global address, a link-local source reaches the host as well.
        for _ in 1...2 { #expect(try client.ask("hello", of: endpoint)?.from == endpoint) }
        asked += 2
      }
    }
    #expect(service.tally.received == asked)
    #expect(try scene.counts("ipv6") == exchanges(asked))
    #expect(try scene.clients("ipv6") == 2)
  }

  @Test func whoTurnsToAnotherAddressIsAnsweredFromItAtOnce() throws {
    let scene = try KernelRuleHost()
    let service = try TestService(on: .of("[::]:5678"), in: scene.host)
    try scene.kernel("apply 5678")
    for (source, addresses) in [
      ("0.0.0.0:40000", ["172.17.0.1", "192.168.106.242"]), ("[::]:40001", ["fd17::1", "fd06::242"]),
    ] {
      let client = try UDPClient(in: scene.network.container, from: .of(source))
      for address in addresses {
        let asked = Endpoint(try .of(address), 5678)
        for _ in 1...3 { #expect(try client.ask("hello", of: asked)?.from == asked) }
      }
      // And back, for which it may take the second for which its first request counts.
      let first = Endpoint(try .of(addresses[0]), 5678)
      try eventually("an answer from \(first)", within: .seconds(5)) {
        try client.ask("hello", of: first)?.from == first
      }
    }
    #expect(service.tally.clients.count == 2)
    #expect(try scene.clients("ipv4") == 1)
    #expect(try scene.clients("ipv6") == 1)
  }

  @Test func twoServicesOfOneHostAreNotMixedUp() throws {
    let scene = try KernelRuleHost()
    let services = try [UInt16(5678), 5679].map { try TestService(on: Endpoint(.anyIPv6, $0), in: scene.host) }
    try scene.kernel("apply 5678 5679")
    for (source, addresses) in [
      ("0.0.0.0:40000", ["172.17.0.1", "192.168.106.242"]), ("[::]:40001", ["fd17::1", "fd06::242"]),
    ] {
      let client = try UDPClient(in: scene.network.container, from: .of(source))
      let asked = try zip(addresses, [UInt16(5678), 5679]).map { Endpoint(try .of($0), $1) }
      for endpoint in asked + asked { #expect(try client.ask("hello", of: endpoint)?.from == endpoint) }
    }
    for (port, service) in zip([5678, 5679], services) {
      #expect(service.tally.received == 4)
      for family in ["ipv4", "ipv6"] { #expect(try scene.counts(family, at: port) == exchanges(2)) }
    }
  }

  @Test func trainsGoBothWays() throws {
    let scene = try KernelRuleHost()
    let service = try TestService(on: .of("[::]:5678"), in: scene.host, .echo { $0.trains = true })
    try scene.kernel("apply 5678")
    for address in ["192.168.106.242", "fd06::242"] {
      let asked = Endpoint(try .of(address), 5678)
      let client = try UDPClient(in: scene.network.container, to: asked, receivesTrains: true)
      let bytes = (0..<12_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
      try client.send(bytes, segmentSize: 1200)
      var answer: [UInt8] = []
      while answer.count < bytes.count, let message = try client.receive() {
        #expect(message.from == asked)
        answer += message.bytes
      }
      #expect(answer == bytes)
    }
    #expect(service.tally.received == 20)
    for family in ["ipv4", "ipv6"] {
      let counts = try scene.counts(family)
      #expect(counts["remembered"] == counts["requests"] && counts["mended"] == counts["replies"])
    }
  }

  /// Datagrams larger than the MTU, which the receiver's kernel puts together with one checksum over all.
  @Test func largeDatagramsKeepTheirChecksum() throws {
    let scene = try KernelRuleHost()
    let service = try TestService(on: .of("[::]:5678"), in: scene.host)
    try scene.kernel("apply 5678")
    for address in ["192.168.106.242", "fd06::242"] {
      let asked = Endpoint(try .of(address), 5678)
      let client = try UDPClient(in: scene.network.container, to: asked)
      for size in [0, 1, 1400, 9000, 40_000] {
        let bytes = [UInt8](repeating: 7, count: size)
        let reply = try client.ask(bytes)
        #expect(reply?.bytes == bytes && reply?.from == asked)
      }
    }
    #expect(service.tally.received == 10)
  }

  /// A reply must never get a broadcast or multicast source.
  @Test func broadcastIsNotRemembered() throws {
    let scene = try KernelRuleHost()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: scene.host)
    try scene.kernel("apply 5678")
    // netcat may broadcast, and takes an answer from anybody.
    let wire = try PacketCapture(interface: "docker0", in: scene.host)
    let client = try ManagedProcess(
      "nc", ["-u", "-b", "-w", "1", "172.17.255.255", "5678"], in: scene.network.container, input: "who is there?\n")
    try service.waitForTally { $0.sent == 1 }
    client.kill()
    let replies = try wire.drain().compactMap(\.packet.udp).filter { $0.source.port == 5678 }
    #expect(replies.map(\.source.address) == [try .of("172.17.0.1")])
    #expect(try scene.counts("ipv4") == ["requests": 1, "group": 1, "replies": 1, "unknown": 1])
    #expect(try scene.clients("ipv4") == 0)
  }

  @Test func whatTheFirewallDropsTakesNoRoom() throws {
    let scene = try KernelRuleHost()
    try scene.nft(
      """
      table inet firewall {
        chain input {
          type filter hook input priority filter + 10
          udp sport 666 drop
        }
      }
      """)
    let service = try TestService(on: .of("0.0.0.0:5678"), in: scene.host)
    try scene.kernel("apply 5678")
    let asked = try Endpoint.of("192.168.106.242:5678")
    let bad = try UDPClient(in: scene.network.container, from: .of("0.0.0.0:666"))
    for _ in 1...10 { try bad.send("let me in", to: asked) }
    #expect(try UDPClient(in: scene.network.container, to: asked).ask("hello")?.from == asked)
    #expect(service.tally.received == 1)
    #expect(try scene.counts("ipv4") == exchanges(1))
    #expect(try scene.clients("ipv4") == 1)
  }

  /// Twice as many as are promised; as many more are remembered for two seconds, but counted as having no room.
  @Test func aFullTableIsSeen() throws {
    let scene = try KernelRuleHost()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: scene.host)
    try scene.kernel("apply 5678 --clients 1")
    let asked = try Endpoint.of("192.168.106.242:5678")
    for _ in 1...4 { #expect(try UDPClient(in: scene.network.container, to: asked).ask("hello")?.from == asked) }
    let late = try UDPClient(in: scene.network.container, from: .of("0.0.0.0:40000"))
    #expect(try late.ask("hello", of: asked)?.from.address == IPAddress.of("172.17.0.1"))
    #expect(service.tally.received == 5)
    #expect(
      try scene.counts("ipv4") == [
        "requests": 5, "remembered": 2, "no_room": 3, "replies": 5, "mended": 4, "unknown": 1,
      ])
    #expect(try scene.clients("ipv4") == 2)
    #expect(try scene.kernel("show").contains { $0.contains("requests without room so far: 3;") })
  }

  /// What the service says unasked keeps its client remembered.
  @Test func aStreamOutlivesTheTimeout() throws {
    let scene = try KernelRuleHost()
    try scene.kernel("apply 5678 --timeout 2s")
    let service = try UDPClient(in: scene.host, from: .of("0.0.0.0:5678"))
    let asked = try Endpoint.of("192.168.106.242:5678")
    let client = try UDPClient(in: scene.network.container, to: asked)
    try client.send("go on")
    let request = try #require(try service.receive())
    let end = Instant.now + .milliseconds(4_500)
    var sent = 0
    while Instant.now < end {
      try service.send("\(sent)", to: request.from)
      #expect(try client.receive()?.from == asked)
      sent += 1
      _ = try service.receive(within: .milliseconds(100))
    }
    #expect(try scene.counts("ipv4") == ["requests": 1, "remembered": 1, "replies": sent, "mended": sent])
    // And then it is forgotten.
    try eventually("nobody is remembered") { try scene.clients("ipv4") == 0 }
  }
}
