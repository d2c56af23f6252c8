import Doctor
import Linux
import Testing

/// Which kinds of clients a host has, and who stands for each.
struct ClientKindTests {
  private func kinds(_ host: Host, given: [IPAddress] = []) -> [String] {
    ClientKinds.of(host, given: given).map { kind in
      "\(kind.origin) \(kind.block): \(kind.representative)" + (kind.others > 0 ? " +\(kind.others)" : "")
    }
  }

  @Test func eachSubnetAndTheDefaultRouteIsAKind() throws {
    #expect(
      kinds(try .founding(), given: [try address("203.0.113.9"), try address("2001:db8::9")]) == [
        "connected 172.17.0.0/16: 172.17.0.2", "connected 192.168.106.0/24: 192.168.106.1",
        "defaultRoute 0.0.0.0/0: 192.0.2.1", "given 203.0.113.9/32: 203.0.113.9",
        "connected fd17::/64: fd17::2", "connected fd06::/64: fd06::1", "given 2001:db8::9/128: 2001:db8::9",
      ])
  }

  @Test func ofATwoAddressSubnetTheOtherOneIsTheClient() throws {
    var host = Host()
    host.addresses = [Host.Address(try address("10.0.0.0"), "ppp0"), Host.Address(try address("10.0.1.1"), "ppp1")]
    try host.routeTo("10.0.0.0/31", 4)
    try host.routeTo("10.0.1.2/32", 5)
    #expect(kinds(host) == ["connected 10.0.0.0/31: 10.0.0.1", "connected 10.0.1.2/32: 10.0.1.2"])
  }

  @Test func whoStandsForABlockLiesInNoSmallerOne() throws {
    var host = Host()
    try host.routeTo("10.0.0.0/8", 2, via: "10.9.9.9")
    try host.routeTo("10.0.0.0/25", 3)
    try host.routeTo("10.0.0.128/25", 4)
    #expect(
      kinds(host) == [
        "connected 10.0.0.0/25: 10.0.0.1", "connected 10.0.0.128/25: 10.0.0.129", "routed 10.0.0.0/8: 10.0.1.0",
      ])
  }

  @Test func aDefaultRouteThatTwoHalvesCoverHasNoClients() throws {
    var host = Host()
    try host.routeTo("0.0.0.0/0", 2, via: "10.0.0.1")
    try host.routeTo("0.0.0.0/1", 3, via: "10.8.0.1")
    try host.routeTo("128.0.0.0/1", 4, via: "10.8.0.1")
    #expect(kinds(host) == ["routed 0.0.0.0/1: 1.0.0.0", "routed 128.0.0.0/1: 128.0.0.1"])
  }

  @Test func blocksBehindOneRouterAreOneKind() throws {
    var host = Host()
    try host.routeTo("10.1.0.0/16", 2, via: "10.0.0.1")
    for number in 0..<1000 { try host.routeTo("10.2.\(number / 250).\(number % 250)/32", 2, via: "10.0.0.1") }
    try host.routeTo("10.3.0.0/16", 2, via: "10.0.0.2")
    #expect(kinds(host) == ["routed 10.1.0.0/16: 10.1.0.1 +1000", "routed 10.3.0.0/16: 10.3.0.1"])
  }

  @Test func blocksOnOneLinkAreOneKindUnlessTheyAskForAnotherSource() throws {
    var host = Host()
    for number in 0..<1000 { try host.routeTo("10.2.\(number / 250).\(number % 250)/32", 2) }
    try host.routeTo("10.3.0.0/16", 3)
    host.routes.append(Route(to: try #require(CIDR("10.4.0.0/16")), interface: 3, source: try address("10.3.0.1")))
    #expect(
      kinds(host) == [
        "connected 10.3.0.0/16: 10.3.0.1", "connected 10.4.0.0/16: 10.4.0.1", "connected 10.2.0.0/32: 10.2.0.0 +999",
      ])
  }

  /// RFC 6724, 5, rule 8: of the own addresses, the one that is most like the client's.
  @Test func ofIPv6TheOwnAddressThatIsNearestMakesTheKind() throws {
    var host = Host()
    host.addresses = [Host.Address(try address("2001:db8:1::1"), "wg0"), Host.Address(try address("fd06::1"), "wg0")]
    for block in ["2001:db8:2::/48", "2001:db8:3::/48", "fd07::/64", "fd08::/64"] { try host.routeTo(block, 2) }
    #expect(
      kinds(host) == [
        "connected 2001:db8:2::/48: 2001:db8:2::1 +1", "connected fd07::/64: fd07::1 +1",
      ])
  }

  /// The largest block of a group may be covered by others; the next then stands for it.
  @Test func whoStandsForAGroupIsThere() throws {
    var host = Host()
    try host.routeTo("10.0.0.0/24", 2, via: "10.9.9.9")
    try host.routeTo("10.0.0.0/25", 3)
    try host.routeTo("10.0.0.128/25", 4)
    try host.routeTo("10.1.0.0/25", 2, via: "10.9.9.9")
    #expect(kinds(host).last == "routed 10.1.0.0/25: 10.1.0.1")
  }

  /// Anybody can have a namespace of his own with as many routes: it took minutes once.
  @Test func manyRoutesThatAreAllDifferentAreSortedInNoTime() throws {
    var host = Host()
    for number in 0..<300_000 as Range<UInt32> {
      let block = try #require(CIDR(holding: IPAddress(v4: 0x0a00_0000 + number * 2), prefixLength: 32))
      host.routes.append(Route(to: block, interface: 2, source: IPAddress(v4: 0x0b00_0000 + number)))
    }
    let start = Instant.now
    let kinds = ClientKinds.of(host)
    #expect(kinds.count == 300_000)
    #expect(Instant.now - start < .seconds(15))
    try host.open("0.0.0.0:5678")
    #expect(Budget.pairsExceed(host, kinds, .services) && !Budget.pairsExceed(host, kinds, .port(1)))
    #expect(!Budget.routesExceed(host))
  }

  @Test func aRoutingRulesBlockIsAKindAndMulticastIsNone() throws {
    var host = Host()
    host.ruleDestinations = [try #require(CIDR("198.51.100.0/24"))]
    try host.routeTo("224.0.0.0/4", 2)
    try host.routeTo("ff00::/8", 2)
    host.routes.append(Route(to: try #require(CIDR("10.0.0.1/32")), .local, interface: 1))
    host.routes.append(Route(to: try #require(CIDR("10.66.0.0/16")), .other))
    #expect(kinds(host) == ["routed 198.51.100.0/24: 198.51.100.1"])
  }

  @Test func linkLocalClientsAskLinkLocalAddressesOfTheirOwnLink() throws {
    var host = Host()
    let block = { (scope: UInt32) in CIDR(holding: IPAddress(v6: 0xfe80 << 48, 0, scope: scope), prefixLength: 64) }
    let first = IPAddress(v6: 0xfe80 << 48, 0xa, scope: 2)
    let second = IPAddress(v6: 0xfe80 << 48, 0xb, scope: 2)
    let third = IPAddress(v6: 0xfe80 << 48, 0xc, scope: 3)
    host.interfaces = [2: "eth0", 3: "eth1"]
    host.addresses = [
      Host.Address(first, "eth0"), Host.Address(second, "eth0"), Host.Address(third, "eth1"),
      Host.Address(try address("fd06::1"), "eth0"),
    ]
    host.routes = [
      Route(to: try #require(block(2)), interface: 2), Route(to: try #require(block(3)), interface: 3),
    ]
    try host.open("[::]:5678")
    let kinds = ClientKinds.of(host)
    #expect(kinds.map(\.representative) == [2, 3].map { IPAddress(v6: 0xfe80 << 48, 1, scope: $0) })
    let choices = Diagnosis.questions(host, kinds).map { ($0, $0.destination.scope == 2 ? first : third) }
    let verdict = Diagnosis(host, kinds, Dictionary(uniqueKeysWithValues: choices)).findings[0].verdict
    #expect(verdict == .faulty([Pair(asked: second, client: kinds[0], source: first)], of: 3))
    #expect(host.text(second) == "fe80::b%eth0")
  }
}
