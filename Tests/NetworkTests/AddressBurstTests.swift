import Glibc
import Linux
import Support
import Testing

/// Thousands of addresses, and thousands of changes at once.
@Suite(.serialized, .enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"))
struct AddressBurstTests {
  /// As many as asked for, or as the limit on descriptors allows, which an ordinary user cannot raise.
  private static func affordable(_ wanted: Int) -> Int {
    var limit = rlimit()
    unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return min(wanted, Int(clamping: limit.rlim_max) - 100)
  }

  /// `ip` arguments of many addresses, of both families in turn.
  ///
  /// - Parameter lone: each in a subnet of its own, so that none goes with another (promote_secondaries, ip-sysctl).
  private static func addresses(_ count: Int, lone: Bool = false) -> [String] {
    (0..<count).map { number in
      number % 2 == 0
        ? "10.2.\(number / 2 / 250).\(number / 2 % 250 + 1)/\(lone ? 32 : 16)"
        : "fd02::\(String(number / 2 + 1, radix: 16))/\(lone ? 128 : 64)"
    }
  }

  /// Starts a relay and says how long it took until the line `ready`.
  private static func timedStart(_ network: PairNetwork, _ addresses: Int) throws -> RelayedHost {
    let start = Instant.now
    let host = try RelayedHost(network)
    print("FIGURE start with \(addresses) addresses until ready, ms:", (Instant.now - start).count / 1_000_000)
    return host
  }

  @Test func fourThousandAddressesAreServedEachAndAllOfThemCanGo() throws {
    let network = try PairNetwork()
    // By way of one neighbour: the kernel's table of neighbours, which all namespaces share, has no room for thousands.
    try network.client.ip(["route add 10.2.0.0/16 via 10.1.0.1", "route add fd02::/64 via fd01::1"])
    let all = Self.addresses(Self.affordable(4000))
    // Without addresses first: what the program has open of its own.
    var empty: RelayedHost? = try Self.timedStart(network, 4)
    let before = try #require(try empty?.settledDescriptors())
    empty = nil
    try network.host.add(Array(all.prefix(1000)), to: "eth0")
    _ = try Self.timedStart(network, 1000)
    try network.host.add(Array(all.dropFirst(1000)), to: "eth0")

    let host = try Self.timedStart(network, all.count)
    #expect(host.relay.ready.hasPrefix("ready: \(all.count + 3) addresses, "))
    try host.waitUntilExactlyTheEligibleAreServed()
    try Self.askEach(host)
    #expect(host.kernel.descriptors == before + all.count)

    let start = Instant.now
    try network.host.remove(all, from: "eth0")
    let removed = Instant.now
    print("FIGURE removing \(all.count) addresses took ip, ms:", (removed - start).count / 1_000_000)
    try host.waitUntilExactlyTheEligibleAreServed(within: .seconds(40))
    try eventually("as many descriptors as without them") { host.kernel.descriptors == before }
    try host.waitForAnswer(from: "10.1.0.1")
  }

  /// Every address of the host answers one who asks.
  private static func askEach(_ host: RelayedHost) throws {
    let link = try host.client.linkLocal(of: "eth0").scope
    let askers = (try host.open(.anyIPv4), try host.open(.anyIPv6))
    for address in try host.eligible() {
      let reachable = address.isLinkLocalIPv6 ? address.scoped(link) : address
      try host.waitForAnswer(from: "\(reachable)", by: address.isIPv4 ? askers.0 : askers.1)
    }
  }

  /// One relay listens all the time. Another is stopped meanwhile, so that netlink's queue overflows (ENOBUFS): it has to
  /// come to the same end.
  @Test func aBurstOfFlapsEndsInExactlyTheEligibleSetAlsoAfterNetlinkOverflowed() throws {
    let network = try PairNetwork()
    let awake = try RelayedHost(network)
    let stopped = try RelayedHost(network, port: 5679)
    let before = try (awake.settledDescriptors(), stopped.settledDescriptors())
    let served = try awake.eligible().count
    let paced = try PacedTraffic(awake.open(), to: awake.endpoint("10.1.0.1"))

    stopped.relay.process.signal(SIGSTOP)
    var random = SystemRandomNumberGenerator()
    let flapping = Self.addresses(200, lone: true)
    var flaps = try Self.flap(2_000, flapping, network, &random)
    // The kernel needs some 2 KB of the queue for an event.
    while try stopped.kernel.doorbell().drops == 0 {
      guard flaps < 100_000 else { throw TestFailure("netlink's queue does not overflow") }
      flaps += try Self.flap(4_000, flapping, network, &random)
    }
    stopped.relay.process.signal(SIGCONT)
    print("FIGURE flaps until netlink overflowed:", flaps)

    try awake.waitUntilExactlyTheEligibleAreServed(within: .seconds(30))
    try stopped.waitUntilExactlyTheEligibleAreServed(within: .seconds(30))
    let more = try awake.eligible().count - served
    try eventually("no descriptor too many") { awake.kernel.descriptors == before.0 + more }
    try eventually("no descriptor too many") { stopped.kernel.descriptors == before.1 + more }
    let (sent, answered) = try paced.stop()
    #expect(answered == sent)
  }

  /// Removes and adds addresses at random, in one run of ip(8).
  ///
  /// - Returns: how many changes there were.
  private static func flap(
    _ count: Int, _ addresses: [String], _ network: PairNetwork, _ random: inout SystemRandomNumberGenerator
  ) throws -> Int {
    var present: [String: Bool] = [:]
    let start = Instant.now
    let existing = Set(try network.host.addresses().map { "\($0.address)" })
    for address in addresses { present[address] = existing.contains("\(address.prefix { $0 != "/" })") }
    let commands = (0..<count).map { _ in
      let address = addresses.randomElement(using: &random) ?? ""
      defer { present[address] = !(present[address] ?? false) }
      if present[address] == true { return "address del \(address) dev eth0" }
      return "address add \(address) dev eth0\(address.contains(":") ? " nodad" : "")"
    }
    try network.host.ip(commands)
    print("FIGURE \(count) flaps took ip, ms:", (Instant.now - start).count / 1_000_000)
    return count
  }
}
