import KernelRule
import Linux
import Testing

/// What apply and remove say, word for word.
@Suite struct RuleWordsTests {
  private func settings(_ ports: [UInt16], clients: Int = 65_536) -> RuleSettings {
    RuleSettings(ports: ports, clients: clients, seed: 1)
  }

  private static let inForce =
    "with room for 65536 or more clients of each family, each remembered for 1m after its last datagram"
  private static let limits = [
    "limit: a client that asks two addresses of this host from one port is answered from the one that it asked last, up to a "
      + "second late when it turns back; where both must be right at once, use multihomed relay",
    "lasts until the next reboot, or until somebody flushes the ruleset, which multihomed kernel show notices; "
      + "multihomed-kernel(8) says how to keep it",
  ]

  @Test func applyNamesThePortsThatWereAskedForAndAllThatAreInForce() {
    #expect(
      RuleWords.applied([53], from: nil, to: settings([53]), nil) == [
        "applied to UDP port 53, IPv4 and IPv6: replies leave from the address that was asked",
        "in force for UDP port 53, \(Self.inForce)",
      ] + Self.limits)
    #expect(
      RuleWords.applied([53, 67, 123], from: settings([53, 69]), to: settings([53, 67, 69, 123]), nil) == [
        "applied to UDP ports 67 and 123, IPv4 and IPv6: replies leave from the address that was asked",
        "already applied to UDP port 53", "in force for UDP ports 53, 67, 69 and 123, \(Self.inForce)",
      ] + Self.limits)
    #expect(
      RuleWords.applied([53], from: settings([53]), to: settings([53]), nil) == [
        "already applied to UDP port 53", "in force for UDP port 53, \(Self.inForce)",
      ])
  }

  @Test func whatIsForgottenIsSaid() {
    let anew = "what it had remembered and counted is forgotten"
    #expect(
      RuleWords.applied([53], from: settings([53]), to: settings([53], clients: 7), .options)[1]
        == "the table was made anew, with these options: \(anew)")
    #expect(
      RuleWords.applied([53], from: settings([53]), to: settings([53]), .altered)[1]
        == "the table was made anew, because somebody had changed it: \(anew)")
    #expect(
      RuleWords.removed([53], of: [53], left: [67], .altered)[1]
        == "the table was made anew, because somebody had changed it: \(anew)")
  }

  @Test func removeSaysWhatIsLeftAndWhatThereWasNothingOf() {
    #expect(
      RuleWords.removed([53], of: [53], left: [], nil)
        == ["removed from UDP port 53; none is left, and the table is gone"])
    #expect(
      RuleWords.removed([53, 67], of: [53, 67], left: [], nil)
        == ["removed from UDP ports 53 and 67; none is left, and the table is gone"])
    #expect(
      RuleWords.removed([53], of: [1, 2, 53], left: [67], nil) == [
        "removed from UDP port 53; still in force for UDP port 67",
        "nothing to remove from UDP ports 1 and 2: the rule is not applied there",
      ])
  }

  @Test func tooManyPortsAreCountedAsTheyWereGiven() {
    #expect(RuleWords.tooMany(66).message.hasPrefix("66 ports are given, and the kernel's rule has room for 64; "))
    #expect(RuleWords.tooMany(66).exitCode == 64)
    #expect(
      RuleWords.tooManyTogether(66).message.hasPrefix(
        "with those that the kernel's rule is applied to already it would be 66 ports, and it has room for 64; "))
    #expect(RuleWords.tooManyTogether(66).exitCode == 78)
  }

  // MARK: Who listens

  private let named = SocketHolder(id: 12, name: "named", descriptor: 3)
  private let relay = SocketHolder(id: 13, name: "multihomed", descriptor: 3)

  private func socket(_ local: String, peer: String? = nil) throws -> UDPSocketEntry {
    let endpoint = try #require(Endpoint(local))
    return UDPSocketEntry(
      local: endpoint, peer: peer.flatMap { Endpoint($0) }, isIPv6: !endpoint.address.isIPv4, inode: 1)
  }

  @Test func portsOnWhichNobodyListensAreNamedTogether() throws {
    let served = PortListeners(123, [try socket("0.0.0.0:123")])
    #expect(
      RuleWords.idle([PortListeners(53, []), served, PortListeners(67, [])]) == [
        "note: nobody listens on UDP ports 53 and 67 yet, and the rule waits for a service there; if a port is wrong: "
          + "multihomed kernel remove 53 67"
      ])
  }

  @Test(arguments: [["0.0.0.0:53"], ["[::]:53"], ["192.0.2.1:53", "[::]:53"]])
  func aSocketOnTheWildcardAddressIsWhatTheRuleIsFor(sockets: [String]) throws {
    #expect(RuleWords.idle([PortListeners(53, try sockets.map { try socket($0) }, holders: [named])]) == [])
  }

  @Test func eachProcessIsNamedOnceAndOfManyAFew() {
    let workers = (1...5).map { SocketHolder(id: $0, name: "w", descriptor: 3) }
    #expect(PortListeners(53, [], holders: [named, named]).names == "named (pid 12)")
    #expect(PortListeners(53, [], holders: workers).names == "w (pid 1), w (pid 2), w (pid 3) and 2 more")
  }

  @Test func whereThereIsNothingToMendItIsSaidWhy() throws {
    let bound = [try socket("192.0.2.1:53"), try socket("[2001:db8::1]:53")]
    let start = "note: there is nothing to mend on UDP port 53, which is taken by"
    let end = "if it is the wrong port: multihomed kernel remove 53"
    let single = "bound to single addresses, from which the answers leave anyway"
    #expect(
      RuleWords.idle([PortListeners(53, bound, holders: [named])])
        == ["\(start) named (pid 12), \(single); \(end)"])
    #expect(
      RuleWords.idle([PortListeners(53, bound, holders: [named, relay])])
        == ["\(start) named (pid 12), multihomed (pid 13), \(single); \(end)"])
    #expect(RuleWords.idle([PortListeners(53, bound)]) == ["\(start) sockets of others, \(single); \(end)"])
    #expect(
      RuleWords.idle([PortListeners(53, bound, holders: [relay])])
        == [
          "\(start) multihomed (pid 13), a relay, which answers from the address that was asked anyway; \(end)"
        ])
    let client = try socket("0.0.0.0:53", peer: "192.0.2.7:53")
    #expect(RuleWords.idle([PortListeners(53, [client], holders: [named])]).count == 1)
  }
}
