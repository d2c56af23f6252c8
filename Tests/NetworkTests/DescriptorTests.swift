import Glibc
import Linux
import Support
import Testing

/// When descriptors run out (RLIMIT_NOFILE, getrlimit(2)).
@Suite(.serialized, .enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"))
struct DescriptorTests {
  private static let many = (1...100).map { "10.1.7.\($0)/16" }

  /// Starts a relay under a limit, hard and soft.
  private func launch(in network: PairNetwork, limit: String, _ arguments: [String] = []) throws -> ManagedProcess {
    let relay = ["relay", "--listen", "5678", "--backend", "echo", "--log-format", "json"] + arguments
    return try ManagedProcess("prlimit", ["--nofile=\(limit)", MultihomedProcess.path()] + relay, in: network.host)
  }

  private func lines(_ process: ManagedProcess, with text: String) -> [String] {
    process.lines().filter { $0.contains(text) }
  }

  @Test(arguments: [4, 7, 12, 18, 24])
  func tooFewDescriptorsToStartWithIsAClearError(limit: Int) throws {
    let process = try launch(in: PairNetwork(), limit: "\(limit):\(limit)")
    #expect(try process.waitForExit() == .status(1))
    let lines = process.lines()
    #expect(lines.count == 1)
    #expect(
      lines.first?.hasPrefix("multihomed: error: cannot start: Too many open files (EMFILE); raise the limit") == true)
  }

  @Test func asManyAddressesAreServedAsThereAreDescriptorsForAndTheRestWhenThereAreMore() throws {
    let network = try PairNetwork()
    let clients = try (UDPClient(in: network.client, from: Endpoint(.anyIPv4, 0)))
    try network.host.add(Self.many, to: "eth0")
    let process = try launch(in: network, limit: "70:70")
    let ready = try process.waitForLine(containing: "ready: ")
    let kernel = KernelView(process.processID)
    let served = try kernel.addresses(at: 5678)
    #expect((10...60).contains(served.count))
    #expect(ready.hasPrefix("ready: \(served.count) addresses, "))
    let line = try process.waitForLine(containing: "no descriptor left for these listeners; raise the limit")
    // 100 addresses and those of the network, less those that are named and those that are served.
    #expect(line.contains("and \(102 - served.count - 8) more") || line.contains("and \(103 - served.count - 8) more"))
    for address in served where address.isIPv4 {
      let asked = Endpoint(address, 5678)
      #expect(try clients.ask("\(asked)", of: asked)?.from == asked)
    }

    // What is removed is noticed, although to read the addresses takes a descriptor.
    let gone = try #require(served.last { $0.isIPv4 })
    try network.host.remove(["\(gone)/16"], from: "eth0")
    #expect(try process.waitForLine(containing: "address is gone").contains("\(gone):5678"))
    #expect(try clients.ask("anybody?", of: Endpoint(gone, 5678), within: .milliseconds(20)) == nil)
    #expect(kernel.descriptors <= 70)
    #expect(lines(process, with: "no descriptor left").count == 1)
  }

  @Test func aRaisedLimitIsMadeUseOfWhileRunning() throws {
    let network = try PairNetwork()
    let host = try RelayedHost(network)
    let before = try host.settledDescriptors()
    try host.kernel.limitDescriptors(to: before + 30)
    try network.host.add(Self.many, to: "eth0")
    try host.relay.process.waitForLine(containing: "no descriptor left")
    #expect((10...40).contains(try host.kernel.addresses(at: 5678).count))
    try host.waitForAnswer(from: "10.1.0.1")
    try host.kernel.limitDescriptors(to: before + 500)
    try host.waitUntilExactlyTheEligibleAreServed(within: .seconds(15))
    #expect(host.kernel.descriptors == before + 100)
    #expect(lines(host.relay.process, with: "no descriptor left").count == 1)
  }

  @Test func aSnapshotThatFailsKeepsTheLastGoodSet() throws {
    let network = try PairNetwork()
    let host = try RelayedHost(network)
    let before = try host.settledDescriptors()
    // Below what is open already: not even the reserve helps.
    try host.kernel.limitDescriptors(to: 3)
    try network.host.add(["10.1.0.2/16"], to: "eth0")
    try host.relay.process.waitForLine(containing: "cannot read this host's addresses; the last ones stay")
    for address in ["10.1.0.1", "fd01::1"] { try host.waitForAnswer(from: address) }
    // Every SIGHUP makes it try once more, and it says so once.
    for _ in 1...3 {
      let mark = host.relay.process.mark
      host.relay.process.signal(SIGHUP)
      try host.relay.process.waitForLine(containing: "SIGHUP", since: mark)
    }
    // The counters come from the same thread, hence after the last try.
    _ = try host.relay.counters()
    #expect(lines(host.relay.process, with: "cannot read this host's addresses").count == 1)
    try host.kernel.limitDescriptors(to: before + 100)
    try host.waitForAnswer(from: "10.1.0.2")
    try host.waitUntilExactlyTheEligibleAreServed()
    #expect(host.kernel.descriptors == before + 1)
  }

  /// A session of the connected upstream has a descriptor of its own.
  @Test func withoutDescriptorsNewSessionsAreRefusedAndOldOnesGoOn() throws {
    let network = try PairNetwork()
    let host = try RelayedHost(network, ["--upstream", "connected"])
    let asked = try host.endpoint("10.1.0.1")
    let before = try host.settledDescriptors()
    try host.kernel.limitDescriptors(to: before + 10)
    let clients = try (1...30).map { _ in try host.open() }
    for client in clients { try client.send("hello", to: asked) }
    let refused = try eventually("the fate of all") {
      let counters = try host.counters()
      let refused = counters["dropped"]?["upstream_unavailable"]?.integer ?? 0
      let passed = counters["listeners"]?.array?.compactMap { $0["to_backend"]?["datagrams"]?.integer }.reduce(0, +)
      return passed == 30 - refused ? refused : nil
    }
    #expect(try host.sessions() == (30 - refused, 30))
    #expect((20...25).contains(refused))
    var answered: [UDPClient] = []
    try eventually("answers to all others") {
      answered += try clients.filter { try $0.receive(within: Nanoseconds(0)) != nil }
      return answered.count == 30 - refused
    }
    for client in answered { #expect(try client.ask("again", of: asked)?.from == asked) }
    #expect(try host.counters()["sessions_ended"]?["upstream_unavailable"]?.integer == refused)
    #expect(try host.sessions().now == answered.count)
    // The addresses are still watched.
    try network.host.remove(["fd01::1/64"], from: "eth0")
    try host.relay.process.waitForLine(containing: "address is gone")
    try host.kernel.limitDescriptors(to: before + 100)
    for client in clients { #expect(try client.ask("again", of: asked)?.from == asked) }
  }
}
