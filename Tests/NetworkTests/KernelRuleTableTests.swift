import Glibc
import Linux
import Support
import Testing

/// The kernel's rule among the other tables of a host: it comes and goes without a trace, and is missed when it is gone.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct KernelRuleTableTests {
  private static let docker = """
    table ip nat {
      chain PREROUTING {
        type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local counter jump DOCKER
      }
      chain OUTPUT {
        type nat hook output priority -100; policy accept;
        ip daddr != 127.0.0.0/8 fib daddr type local counter jump DOCKER
      }
      chain POSTROUTING {
        type nat hook postrouting priority srcnat; policy accept;
        oifname != "docker0" ip saddr 172.17.0.0/16 masquerade
      }
      chain DOCKER {
        iifname != "docker0" udp dport 7777 dnat to 172.17.0.2:7777
        udp dport 6666 dnat to 192.168.106.242:5678
      }
    }
    table ip filter {
      chain INPUT {
        type filter hook input priority filter; policy accept;
        ct state established,related accept
      }
      chain FORWARD {
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
      }
    }

    """
  private static let firewalld = """
    table inet firewalld {
      chain filter_PREROUTING {
        type filter hook prerouting priority filter + 10; policy accept;
        meta nfproto ipv6 fib saddr . mark . iif oif missing drop
      }
      chain filter_INPUT {
        type filter hook input priority filter + 10; policy accept;
        ct state { established, related } accept
        ct status dnat accept
        iifname "lo" accept
        ct state invalid drop
        meta l4proto { icmp, ipv6-icmp } accept
        udp dport { 5678, 7777 } accept
        reject with icmpx admin-prohibited
      }
      chain filter_OUTPUT {
        type filter hook output priority filter + 10; policy accept;
        ct state { established, related } accept
        oifname "lo" accept
      }
    }

    """

  private static let foreign = ["", docker, firewalld, docker + firewalld]

  /// Each host is left as it was found, 250 times on each of four at once: most of the time is the kernel's, which waits
  /// for its readers (RCU) in every transaction.
  @Test func aThousandTimesAppliedAndRemovedLeaveEveryRulesetAsItWas() throws {
    let network = try TestNetwork(["0", "1", "2", "3"])
    var runs: [(NetworkNamespace, String, ManagedProcess)] = []
    for (number, tables) in Self.foreign.enumerated() {
      let host = network["\(number)"]
      try ManagedProcess.run("nft", ["-f", "-"], in: host, input: tables)
      let before = try ManagedProcess.run("nft", ["list", "ruleset"], in: host)
      let loop = """
        for i in $(seq 250); do
          "$0" kernel apply 5678 53 > /dev/null && "$0" kernel remove 53 5678 > /dev/null || exit 1
        done
        """
      runs.append((host, before, try ManagedProcess("sh", ["-c", loop, MultihomedProcess.path()], in: host)))
    }
    for (host, before, process) in runs {
      #expect(try process.waitForExit(within: .seconds(120)) == .status(0), "\(process.lines())")
      #expect(try ManagedProcess.run("nft", ["list", "ruleset"], in: host) == before)
    }
  }

  @Test(arguments: [0, 1, 2, 3]) func otherTablesStayAsTheyAre(number: Int) throws {
    let scene = try KernelRuleHost()
    try scene.nft(Self.foreign[number])
    let before = try scene.ruleset()
    let service = try TestService(on: .of("[::]:5678"), in: scene.host)
    try scene.kernel("apply 5678")
    for (family, address) in [("ipv4", "192.168.106.242"), ("ipv6", "fd06::242")] {
      let asked = Endpoint(try .of(address), 5678)
      for _ in 1...3 { #expect(try UDPClient(in: scene.network.container, to: asked).ask("hello")?.from == asked) }
      #expect(try scene.counts(family) == exchanges(3))
    }
    #expect(service.tally.received == 6)
    try scene.kernel("remove 5678")
    // The foreign rules count what passes them.
    let uncounted = { (text: String) in text.replacing(/packets \d+ bytes \d+/, with: "") }
    #expect(uncounted(try scene.ruleset()) == uncounted(before))
  }

  /// The mended reply is what conntrack expects, and so gets its NAT undone.
  @Test func natStillWorks() throws {
    let scene = try KernelRuleHost()
    try scene.nft(Self.docker)
    let service = try TestService(on: .of("0.0.0.0:5678"), in: scene.host)
    let contained = try TestService(on: .of("0.0.0.0:7777"), in: scene.network.container)
    try scene.kernel("apply 5678")
    // Published by another port: the container's request is turned around on the host itself.
    let published = try Endpoint.of("172.17.0.1:6666")
    #expect(try UDPClient(in: scene.network.container, to: published).ask("hello")?.from == published)
    // Into the container, and out of it behind the host's address.
    let inside = try Endpoint.of("192.168.106.242:7777")
    #expect(try UDPClient(in: scene.network.lan, to: inside).ask("hello")?.from == inside)
    let outside = try TestService(on: .of("192.168.106.10:9999"), in: scene.network.lan)
    #expect(try UDPClient(in: scene.network.container, to: outside.endpoint).ask("hello")?.from == outside.endpoint)
    #expect(service.tally.received == 1 && contained.tally.received == 1)
    #expect(outside.tally.clients.map(\.address) == [try .of("192.168.106.242")])
    #expect(try scene.counts("ipv4") == exchanges(1))
  }

  @Test func applyingAgainOrAFurtherPortKeepsWhatIsRemembered() throws {
    let scene = try KernelRuleHost()
    try scene.kernel("apply 5678")
    let service = try UDPClient(in: scene.host, from: .of("0.0.0.0:5678"))
    let asked = try Endpoint.of("192.168.106.242:5678")
    let client = try UDPClient(in: scene.network.container, to: asked)
    try client.send("remember me")
    let request = try #require(try service.receive())
    let before = try scene.ruleset().replacing(/expires \w+/, with: "")
    #expect(try scene.kernel("apply 5678").first?.hasPrefix("already applied to UDP port 5678") == true)
    #expect(try scene.ruleset().replacing(/expires \w+/, with: "") == before)
    for change in ["apply 5679 53", "remove 53"] {
      try scene.kernel(change)
      try service.send("I do", to: request.from)
      #expect(try client.receive()?.from == asked)
    }
    #expect(try scene.counts("ipv4") == ["requests": 1, "remembered": 1, "replies": 2, "mended": 2])
    #expect(try scene.counts("ipv4", at: 5679) == [:])
    try scene.kernel("remove 5679")
    try scene.kernel("apply 5678 --timeout 2m --clients 1000")
    #expect(
      try scene.kernel("show").last
        == "ipv6: clients remembered: 0 (room for 1000 or more), each for 2m after its last datagram")
    #expect(try scene.clients("ipv4") == 0)
  }

  /// What the manual says about /etc/nftables.conf.
  @Test func aPrintedScriptSurvivesAReloadThatFlushesEverything() throws {
    let scene = try KernelRuleHost()
    let folder = try TemporaryFolder()
    let script = try scene.kernel("apply --print 5678 --timeout 90s").map { $0 + "\n" }.joined()
    #expect(try scene.ruleset() == "")
    let included = try folder.write(script, to: "multihomed.nft")
    let main = try folder.write("flush ruleset\n\(Self.firewalld)include \"\(included)\"\n", to: "nftables.conf")
    try scene.kernel("apply 5678 --timeout 90s")
    let service = try TestService(on: .of("[::]:5678"), in: scene.host)
    for _ in 1...2 {
      try ManagedProcess.run("nft", ["-f", main], in: scene.host)
      try scene.kernel("show")
      let asked = try Endpoint.of("[fd06::242]:5678")
      #expect(try UDPClient(in: scene.network.container, to: asked).ask("hello")?.from == asked)
      #expect(try scene.counts("ipv6") == exchanges(1))
    }
    #expect(service.tally.received == 2)
    // Without a record, as after a boot.
    try scene.kernel("apply 5679")
    try scene.kernel("remove 5678 5679")
    try ManagedProcess.run("nft", ["-f", main], in: scene.host)
    try scene.kernel("show")
  }

  @Test(arguments: ["apply 5678", "remove 5678"]) func somebodyElsesTableIsLeftAlone(arguments: String) throws {
    let scene = try KernelRuleHost()
    try scene.nft("table inet multihomed {\n chain input {\n }\n}\n")
    let before = try scene.ruleset()
    let answer = try scene.run(arguments)
    #expect(answer.exit == .status(78))
    let complaint =
      "multihomed: error: there is a table inet multihomed that is not made by this version of multihomed, and it is left "
      + "alone; look at it with: nft list table inet multihomed; if nobody needs it, remove it with: nft delete table inet "
      + "multihomed"
    #expect(answer.error == complaint)
    let shown = try scene.run("show")
    #expect(shown.exit == .status(78) && shown.error == complaint && shown.output == [])
    let report = try scene.run("show --json")
    #expect(report.exit == .status(78) && report.error == "")
    #expect(try JSON(parsing: report.output.joined())["applied"] == .bool(false))
    #expect(try scene.ruleset() == before)
  }
}
