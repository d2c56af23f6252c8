import Linux
import Support
import Testing

/// An address that leaves this host while a service answers whoever asked it: nothing is sent from it any more, at once.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct KernelRuleDepartureTests {
  /// A service on the wildcard that sends when it is told to, and its client.
  private final class Stream {
    let scene: KernelRuleHost
    let service: UDPClient
    let client: UDPClient
    let to: Endpoint
    private(set) var sent = 0

    /// The client asks once.
    init(_ scene: KernelRuleHost, asking address: String) throws {
      self.scene = scene
      try scene.kernel("apply 5678 --timeout 2s")
      service = try UDPClient(in: scene.host, from: .of("[::]:5678"))
      let asked = try scene.endpoint(address, in: scene.network.container)
      client = try UDPClient(
        in: scene.network.container, from: Endpoint(asked.address.isIPv4 ? .anyIPv4 : .anyIPv6, 40_000))
      try client.send("stream", to: asked)
      guard let request = try service.receive() else { throw TestFailure("no request") }
      to = request.from
    }

    /// From which addresses so many datagrams come.
    func sources(_ count: Int) throws -> Set<String> {
      var sources: Set<String> = []
      for number in 1...count {
        try service.send("\(number)", to: to)
        sent += 1
        guard let message = try client.receive() else { throw TestFailure("nothing came") }
        let from = message.from.address
        sources.insert("\(from)".split(separator: "%").first.map(String.init) ?? "")
      }
      return sources
    }
  }

  /// The client is not refreshed either: after its timeout it is unknown, until it asks again.
  @Test(arguments: [
    ("192.168.106.243/24", "eth0", "ipv4"), ("172.17.0.9/16", "docker0", "ipv4"), ("fd06::243/64", "eth0", "ipv6"),
    ("fe80::dd/64", "docker0", "ipv6"),
  ])
  func nothingIsSentFromAnAddressThatHasLeft(address: String, interface: String, family: String) throws {
    let scene = try KernelRuleHost()
    let own = String(address.prefix { $0 != "/" })
    try scene.host.add([address], to: interface)
    let stream = try Stream(scene, asking: own.hasPrefix("fe80") ? "\(own)%eth0" : own)
    #expect(try stream.sources(3) == [own])
    for _ in 1...2 {
      try scene.host.ip(["address del \(address) dev \(interface)"])
      #expect(try !stream.sources(5).contains(own))
      // And when it is back, which with IPv6 takes a moment more, it is the source again.
      try scene.host.add([address], to: interface)
      try eventually("it is the source again") { try stream.sources(1) == [own] }
      #expect(try stream.sources(3) == [own])
    }
    try scene.host.ip(["address del \(address) dev \(interface)"])
    let counts = try scene.counts(family)
    #expect(counts["requests"] == 1 && counts["remembered"] == 1 && counts["unknown"] == nil)
    #expect(counts["replies"] == stream.sent)
    let (mended, gone) = try (#require(counts["mended"]), #require(counts["gone"]))
    #expect(mended >= 11 && gone >= 10 && mended + gone == stream.sent)
    let end = Instant.now + .seconds(10)
    while try scene.clients(family) == 1, Instant.now < end { #expect(try !stream.sources(1).contains(own)) }
    #expect(try scene.clients(family) == 0)
  }

  /// The address that leaves may be the one that the kernel has picked, too. One reply is lost then: what the kernel picks
  /// now is not known before the next.
  @Test func nothingIsSentFromAnAddressThatTheKernelHadPickedEither() throws {
    let scene = try KernelRuleHost()
    try scene.host.ip(["address replace fd17::1/64 dev docker0 nodad preferred_lft 0"])
    try scene.host.add(["fd17::9/64"], to: "docker0")
    // The kernel picks what is not deprecated (RFC 6724, 5).
    let stream = try Stream(scene, asking: "fd17::9")
    #expect(try stream.sources(3) == ["fd17::9"])
    try scene.host.ip(["address del fd17::9/64 dev docker0"])
    #expect(throws: Errno.notPermitted) { try stream.service.send("lost", to: stream.to) }
    #expect(try stream.sources(5) == ["fd06::242"])
    #expect(try scene.counts("ipv6") == ["requests": 1, "remembered": 1, "replies": 9, "mended": 3, "gone": 6])
  }
}
