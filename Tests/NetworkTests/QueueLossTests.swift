import Glibc
import Linux
import Support
import Testing

/// What a full receive queue loses is counted and told, with what can be done about it.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct QueueLossTests {
  @Test func whatAQueueLosesIsToldExactlyWithTheRemedy() throws {
    let host = try RelayedHost(PairNetwork(), ["--receive-buffer", "4KiB"])
    let client = try UDPClient(in: host.client, to: .of("10.1.0.1:5678"))
    #expect(try client.ask("hello") != nil)
    host.relay.process.signal(SIGSTOP)
    let sent = 200
    for _ in 1...sent { try client.send(pattern(500)) }
    host.relay.process.signal(SIGCONT)
    // The kernel tells of what did not fit with the next one that it takes.
    while try client.receive(within: .milliseconds(500)) != nil {}
    #expect(try client.ask("hello") != nil)
    let passed = try #require(try host.relay.ledger().listeners[.of("10.1.0.1:5678")]?.toBackend.datagrams)
    #expect(passed > 2 && passed < sent)
    let lost = sent + 2 - passed
    let line = try JSON(
      parsing: host.relay.process.waitForLine(containing: "datagrams were lost because", of: .error))
    #expect(line["address"]?.string == "10.1.0.1:5678")
    #expect(line["level"]?.string == "warning" && line["relay"]?.string == "default" && line["queues"] == nil)
    #expect(
      line["message"]?.string?.hasPrefix(
        "datagrams were lost because a listener's receive queue was full: it holds 4KiB; give more, and restart: "
          + "--receive-buffer 16KiB") == true, "\(line)")
    let listener = try host.counters()["listeners"]?.array?.first { $0["address"]?.string == "10.1.0.1" }
    #expect(listener?["receive_queue_drops"]?.integer == lost)
    let ledger = try host.relay.ledger()
    #expect(try told(host) == lost + ledger.upstreamQueueDrops)
  }

  /// How many lost datagrams the log speaks of, when it is complete.
  private func told(_ host: RelayedHost) throws -> Int {
    try host.relay.stop()
    let lines = host.relay.process.lines(of: .error).filter { $0.contains("datagrams were lost because") }
    return try lines.reduce(0) { try $0 + (JSON(parsing: $1)["datagrams"]?.integer ?? 0) }
  }

  /// Loss after loss makes no flood of lines, and none of it is forgotten.
  @Test func ofOneRelayThereIsOneLineAPeriodAndTheirSumIsWhole() throws {
    let host = try RelayedHost(PairNetwork(), ["--receive-buffer", "4KiB"])
    let client = try UDPClient(in: host.client, to: .of("10.1.0.1:5678"))
    let began = Instant.now
    for _ in 1...5 {
      host.relay.process.signal(SIGSTOP)
      for _ in 1...100 { try client.send(pattern(500)) }
      host.relay.process.signal(SIGCONT)
      while try client.receive(within: .milliseconds(300)) != nil {}
      #expect(try client.ask("hello") != nil)
    }
    let ledger = try host.relay.ledger()
    let lost = ledger.upstreamQueueDrops + ledger.listeners.values.reduce(0) { $0 + $1.receiveQueueDrops }
    #expect(lost > 100)
    try host.relay.stop()
    let lines = try host.relay.process.lines(of: .error).filter { $0.contains("datagrams were lost because") }
      .map { try JSON(parsing: $0) }
    // One at once, at most one for each period of 10 seconds that has passed, and one at the end.
    let periods = Int((Instant.now - began).count / 10_000_000_000)
    #expect((2...2 + periods).contains(lines.count), "\(lines.count) lines, \(periods) periods")
    #expect(lines.compactMap { $0["datagrams"]?.integer }.reduce(0, +) == lost, "\(lines)")
  }

  @Test func theQueuesAreAsLargeAsWasAskedFor() throws {
    for (size, bytes) in [("64KiB", 65_536), ("1MiB", 1 << 20)] {
      let host = try RelayedHost(PairNetwork(), ["--receive-buffer", size])
      // ss tells twice as many, as the kernel counts (ss(8), rb).
      let table = try ManagedProcess.run("ss", ["-uamn"], in: host.host)
      let sizes = table.split(separator: "rb").dropFirst().map { Int($0.prefix { $0.isNumber }) ?? 0 }
      #expect(sizes.filter { $0 == 2 * bytes }.count >= 3, "\(table)")
    }
  }

  @Test func asMuchAsTheSystemGivesCanBeHad() throws {
    let host = try RelayedHost(PairNetwork(), ["--receive-buffer", "0"])
    let usual = try Socket.systemReceiveQueue()
    let table = try ManagedProcess.run("ss", ["-uamn"], in: host.host)
    #expect(table.contains("rb\(2 * usual),"), "\(table)")
  }
}
