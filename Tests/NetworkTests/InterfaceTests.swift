import Glibc
import Linux
import Support
import Testing

/// Interfaces that go down, come back, change their names and vanish.
@Suite(.serialized, .enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"))
struct InterfaceTests {
  @Test func alinkThatGoesDownAndUpFindsItsSessionsAgain() throws {
    let host = try RelayedHost(try PairNetwork())
    _ = try host.settledDescriptors()
    let (v4, v6) = try (host.open(.anyIPv4), host.open(.anyIPv6))
    try host.waitForAnswer(from: "10.1.0.1", by: v4)
    try host.waitForAnswer(from: "fd01::1", by: v6)
    let mark = host.relay.process.mark
    try host.host.ip(["link set eth0 down"])
    // The kernel keeps the IPv4 address and flushes the others: none of them is eligible now.
    try host.relay.process.waitForLine(containing: "address is gone", since: mark)
    #expect(try host.eligible() == [])
    // The wire is cut: what has not arrived by now never will.
    #expect(try !host.answersAnew(host.endpoint("10.1.0.1").address, to: v4))
    try host.host.ip(["link set eth0 up", "address add fd01::1/64 dev eth0 nodad"])
    try host.waitForAnswer(from: "10.1.0.1", by: v4)
    try host.waitForAnswer(from: "fd01::1", by: v6)
    #expect(try host.sessions() == (2, 2))
    _ = try host.settledDescriptors()
  }

  @Test func aRenamedInterfaceGoesOnAndTheFilterByNameFollows() throws {
    let network = try PairNetwork()
    let host = try RelayedHost(network)
    let filtered = try RelayedHost(network, port: 5679, ["--interface", "eth*"])
    let link = try host.host.linkLocal(of: "eth0").scoped(host.client.linkLocal(of: "eth0").scope)
    _ = try host.settledDescriptors()
    let (v4, v6) = try (host.open(.anyIPv4), host.open(.anyIPv6))
    try host.waitForAnswer(from: "10.1.0.1", by: v4)
    try host.waitForAnswer(from: "\(link)", by: v6)
    let changes = try host.relay.counters()["counters"]?["address_changes"]
    try host.host.ip(["link set eth0 name lan0"])
    try filtered.relay.process.waitForLine(containing: "address is gone")
    try host.waitForAnswer(from: "10.1.0.1", by: v4)
    try host.waitForAnswer(from: "\(link)", by: v6)
    #expect(try host.sessions() == (2, 2))
    #expect(try host.relay.counters()["counters"]?["address_changes"] == changes)
    let mark = filtered.relay.process.mark
    try host.host.ip(["link set lan0 name eth1"])
    try filtered.relay.process.waitForLine(containing: "listening again or anew", since: mark)
    try filtered.waitForAnswer(from: "10.1.0.1")
  }

  @Test func aDeletedInterfaceTakesItsAddressesAlongAndNothingElse() throws {
    let network = try PairNetwork()
    let peer = "type veth peer name eth1 netns \(try network.clientName())"
    let lay = [
      "link add eth1 \(peer)", "address add 10.3.0.1/16 dev eth1", "address add fd03::1/64 dev eth1 nodad",
      "address add fe80::77/64 dev eth1 nodad", "link set eth1 up",
    ]
    try network.host.ip(lay)
    try network.client.ip([
      "address add 10.3.0.2/16 dev eth1", "address add fd03::2/64 dev eth1 nodad", "link set eth1 up",
    ])
    let host = try RelayedHost(network)
    let before = try host.settledDescriptors()
    let paced = try PacedTraffic(host.open(), to: host.endpoint("10.1.0.1"))
    try host.waitForAnswer(from: "10.3.0.1")
    try host.waitForAnswer(from: "fd03::1")
    try network.host.ip(["link delete eth1"])
    try host.relay.process.waitForLine(containing: "address is gone")
    // The same addresses on a new interface of the same name, with another index: another link-local listener.
    try network.host.ip(lay)
    try network.client.ip([
      "address add 10.3.0.2/16 dev eth1", "address add fd03::2/64 dev eth1 nodad", "link set eth1 up",
    ])
    try host.waitForAnswer(from: "10.3.0.1")
    try host.waitForAnswer(from: "fd03::1")
    try host.waitForAnswer(from: "fe80::77%\(network.client.linkLocal(of: "eth1").scope)")
    _ = try host.host.linkLocal(of: "eth1")
    try host.waitUntilExactlyTheEligibleAreServed(within: .seconds(20))
    #expect(host.kernel.descriptors == before)
    let (sent, answered) = try paced.stop()
    #expect(answered == sent)
  }

  @Test func theSameLinkLocalAddressOnTwoInterfacesIsTwoListeners() throws {
    let network = try PairNetwork()
    try network.host.ip([
      "link add eth1 type veth peer name eth1 netns \(try network.clientName())", "link set eth1 up",
      "address add fe80::77/64 dev eth0 nodad", "address add fe80::77/64 dev eth1 nodad",
    ])
    try network.client.ip(["link set eth1 up"])
    let scopes = try ["eth0", "eth1"].map { try network.client.linkLocal(of: $0).scope }
    let host = try RelayedHost(network)
    let asker = try host.open(.anyIPv6)
    for scope in scopes { try host.waitForAnswer(from: "fe80::77%\(scope)", by: asker) }
    // A reply may arrive before it is counted.
    try eventually("a reply counted at each") {
      let listeners = try host.counters()["listeners"]?.array ?? []
      return ["eth0", "eth1"].allSatisfy { interface in
        let listener = listeners.first { $0["address"]?.string == "fe80::77%\(interface)" }
        return listener?["to_client"]?["datagrams"]?.integer ?? 0 >= 1
      }
    }
  }

  /// The neighbour has the address already: the kernel keeps it, marked as failed, and it can never be bound.
  @Test func anAddressThatFailsItsDetectionIsReportedOnceAndServedWhenItIsAddedAnew() throws {
    let network = try PairNetwork(client: ["10.1.255.1/16", "fd01::ffff/64", "fd01::5/64"])
    let host = try RelayedHost(network)
    try network.host.add(["fd01::5/64"], to: "eth0", awaitsDuplicates: true)
    try eventually("a failed detection") {
      try ManagedProcess.run("ip", ["address", "show", "dev", "eth0"], in: network.host).contains("dadfailed")
    }
    try host.waitForAnswer(from: "10.1.0.1")
    // A start beside it does not fail either.
    let late = try RelayedHost(network, port: 5679)
    for process in [host.relay.process, late.relay.process] {
      try process.waitForLine("of the duplicate") { $0.contains("not usable") && $0.contains("fd01::5") }
    }
    try network.host.add(["10.1.0.2/16"], to: "eth0")
    try host.waitForAnswer(from: "10.1.0.2")
    for process in [host.relay.process, late.relay.process] {
      #expect(process.lines().filter { $0.contains("not usable") && $0.contains("fd01::5") }.count == 1)
    }
    try network.client.remove(["fd01::5/64"], from: "eth0")
    try network.host.remove(["fd01::5/64"], from: "eth0")
    try network.host.add(["fd01::5/64"], to: "eth0", awaitsDuplicates: true)
    try host.waitForAnswer(from: "fd01::5")
  }
}

extension PairNetwork {
  /// The name by which `ip link ... netns` knows the client.
  func clientName() throws -> String {
    guard let name = client.path.split(separator: "/").last else { throw TestFailure("no name in \(client.path)") }
    return String(name)
  }
}
