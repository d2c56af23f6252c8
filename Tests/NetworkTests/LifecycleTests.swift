import Glibc
import Linux
import Support
import Testing

/// The process's beginning, signals and end.
@Suite(.serialized, .enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"))
struct LifecycleTests {
  /// The file may have capabilities, or whoever starts it, that other commands need.
  @Test(.enabled(if: OtherUsers.arePossible, "\(OtherUsers.obstacle ?? "")"))
  func aRelayThatIsNotRootsKeepsOnlyTheRightsThatItUses() throws {
    let network = try PairNetwork()
    let rights = "+sys_ptrace,+setuid,+sys_admin,+net_bind_service"
    let process = try ManagedProcess(
      "setpriv",
      [
        "--reuid", "4321", "--regid", "4321", "--clear-groups", "--inh-caps", rights, "--ambient-caps", rights, "--",
        try MultihomedProcess.path(), "relay", "--listen", "53", "--backend", "echo",
      ], in: network.host)
    try process.waitForLine(containing: "ready")
    for task in ProcFile.names(in: "/proc/\(process.processID)/task") {
      let status = try #require(ProcFile.read("/proc/\(process.processID)/task/\(task)/status"))
      #expect(status.contains("CapPrm:\t0000000000000400\n"), "\(status)")
    }
  }

  private let asked: Endpoint

  init() throws { asked = try #require(Endpoint("10.1.0.1:5678")) }

  // MARK: The end

  @Test(arguments: [SIGTERM, SIGINT], ["multiplexed", "connected"])
  func aSignalDrains(signal: Int32, upstream: String) throws {
    let network = try PairNetwork()
    let service = try TestService(
      on: Endpoint(.loopbackIPv4, 0), in: network.host, .echo { $0.delay = .milliseconds(300) })
    let host = try RelayedHost(network, backend: "\(service.endpoint)", ["--upstream", upstream])
    let known = try host.open()
    for text in ["one", "two"] { try known.send(text, to: asked) }
    _ = try service.waitForTally { $0.received == 2 }
    host.relay.process.signal(signal)
    try host.relay.process.waitForLine(containing: "draining; a second signal ends at once")
    // The known client goes on, strangers are turned away from some moment on.
    try known.send("three", to: asked)
    var strangers = 0
    try eventually("a stranger is turned away", within: .seconds(2)) {
      strangers += 1
      try host.open().send("stranger", to: asked)
      return try host.dropped("draining") > 0
    }
    let mark = host.relay.process.mark
    for text in ["one", "two", "three"] { #expect(try known.receive()?.bytes == [UInt8](text.utf8)) }
    #expect(try host.relay.process.waitForExit() == .status(0))
    let end = try host.firstRelay(of: host.relay.counters(since: mark))
    let taken = try #require(end["listeners"]?.array?.compactMap { $0["to_backend"]?["datagrams"]?.integer })
      .reduce(0, +)
    let refused = end["dropped"]?["draining"]?.integer ?? 0
    #expect(refused >= 1)
    #expect(taken + refused == 3 + strangers)
    #expect(host.relay.process.lines(of: .error).last?.contains("\"ended\"") == true)
  }

  @Test func aDrainWaitsForASlowReplyHoweverLongNothingMoves() throws {
    let network = try PairNetwork()
    let service = try TestService(
      on: Endpoint(.loopbackIPv4, 0), in: network.host, .echo { $0.delay = .milliseconds(1_500) })
    let host = try RelayedHost(network, backend: "\(service.endpoint)")
    let client = try host.open()
    try client.send("slow", to: asked)
    try service.waitForTally { $0.received == 1 }
    host.relay.process.signal(SIGTERM)
    #expect(try client.receive(within: .seconds(5))?.bytes == [UInt8]("slow".utf8))
    #expect(try host.relay.process.waitForExit(within: .seconds(5)) == .status(0))
  }

  @Test func aDrainEndsAtItsLimit() throws {
    let network = try PairNetwork()
    let service = try PushingService(on: .loopbackIPv4, in: network.host)
    let host = try RelayedHost(network, backend: "\(service.endpoint)", ["--drain-limit", "1s"])
    let client = try host.open()
    try client.send("push", to: asked)
    #expect(try client.receive() != nil)
    let start = Instant.now
    #expect(try host.relay.stop() == .status(0))
    #expect(Instant.now - start >= .milliseconds(900))
  }

  /// The kernel would not send what was asked, or told that the backend is not there (which it does for a connected
  /// upstream only): whoever asked waits in vain.
  @Test(arguments: Way.local, [true, false])
  func aDrainDoesNotWaitForRepliesThatCannotCome(way: Way, isRefused: Bool) throws {
    guard way == .connected || isRefused else { return }
    var fault = FaultInjection.Fault(.send, .failure(.notPermitted))
    (fault.peerPort, fault.times) = (7000, nil)
    let scene = try BackendScene(
      way, "--drain-limit 1h --idle-timeout 1h --unreplied-timeout 1h",
      faults: isRefused ? FaultInjection([fault]) : nil)
    let client = try scene.client()
    let request = ServiceProgram.Request().bytes("hello")
    try eventually("a refusal") {
      try client.send(request)
      return try !scene.relay.ledger().refusedToBackend.isEmpty
    }
    #expect(try scene.relay.stop(within: .seconds(5)) == .status(0))
  }

  @Test func aSecondSignalEndsAtOnce() throws {
    let network = try PairNetwork()
    let service = try PushingService(on: .loopbackIPv4, in: network.host)
    let host = try RelayedHost(network, backend: "\(service.endpoint)", ["--drain-limit", "1h"])
    let client = try host.open()
    try client.send("push", to: asked)
    #expect(try client.receive() != nil)
    host.relay.process.signal(SIGTERM)
    try host.relay.process.waitForLine(containing: "draining")
    // Not by itself: what is relayed keeps it up.
    #expect(try client.receive() != nil)
    #expect(host.relay.process.exit == nil)
    host.relay.process.signal(SIGINT)
    #expect(try host.relay.process.waitForExit(within: .seconds(5)) == .status(0))
    #expect(host.relay.process.lines().contains { $0.contains("\"counters\"") })
  }

  @Test func withoutSessionsItEndsAtOnce() throws {
    let host = try RelayedHost(try PairNetwork(), ["--drain-limit", "1h"])
    #expect(try host.relay.stop(within: .seconds(5)) == .status(0))
  }

  @Test func afterAKillItServesAgainWithinASecondWithNothingToCleanUp() throws {
    let network = try PairNetwork()
    var delays: [UInt64] = []
    for _ in 1...3 {
      let first = try RelayedHost(network)
      let client = try first.open()
      try first.waitForAnswer(from: "10.1.0.1", by: client)
      first.relay.process.signal(SIGKILL)
      #expect(try first.relay.process.waitForExit() == .signal(SIGKILL))
      let start = Instant.now
      let second = try RelayedHost(network)
      delays.append((try second.waitForAnswer(from: "10.1.0.1", by: client) - start).count / 1_000_000)
      #expect(try second.relay.stop() == .status(0))
    }
    print("FIGURE start after kill -9 until answering, ms:", delays)
    #expect(delays.contains { $0 < 1_000 })
  }

  // MARK: While it runs

  @Test func aThousandHangUpsUnderLoadChangeNothing() throws {
    let host = try RelayedHost(try PairNetwork())
    let descriptors = try host.settledDescriptors()
    let paced = try PacedTraffic(host.open(), to: asked)
    try hangUp(100, host.relay.process)
    let memory = try host.kernel.residentKilobytes()
    try hangUp(900, host.relay.process)
    let grown = try host.kernel.residentKilobytes() - memory
    print("FIGURE 900 SIGHUPs: resident memory grew by KiB:", grown)
    #expect(isSanitized || grown < 512)
    let (sent, answered) = try paced.stop()
    #expect(answered == sent)
    #expect(host.kernel.descriptors == descriptors)
    #expect(try host.sessions() == (1, 1))
    #expect(try host.relay.counters()["counters"]?["address_changes"]?.integer ?? 9 <= 1)
  }

  /// One after the other, since the kernel keeps but one signal of a kind.
  private func hangUp(_ count: Int, _ process: ManagedProcess) throws {
    for _ in 1...count {
      let mark = process.mark
      process.signal(SIGHUP)
      try process.waitForLine(containing: "SIGHUP: reading the addresses", since: mark)
    }
  }

  @Test func sigusr1WritesEveryCounterAsOneObject() throws {
    let host = try RelayedHost(try PairNetwork(), ["--log-level", "error"])
    for (address, count) in [("10.1.0.1", 5), ("fd01::1", 3)] {
      let asked = try host.endpoint(address)
      let client = try host.open(asked.address)
      for number in 1...count {
        #expect(try client.ask([UInt8](repeating: 7, count: number), of: asked)?.from == asked)
      }
    }
    // A reply may arrive before it is counted.
    let counters = try eventually("eight replies") {
      let counters = try host.counters()
      let sent = counters["listeners"]?.array?.compactMap { $0["to_client"]?["datagrams"]?.integer }.reduce(0, +)
      return sent == 8 ? counters : nil
    }
    let listeners = try #require(counters["listeners"]?.array)
    let expected: [String: (datagrams: Int, bytes: Int)] = ["10.1.0.1": (5, 15), "fd01::1": (3, 6)]
    for listener in listeners {
      let wanted = expected[listener["address"]?.string ?? ""] ?? (0, 0)
      for direction in ["to_backend", "to_client"] {
        #expect(listener[direction]?["datagrams"]?.integer == wanted.datagrams)
        #expect(listener[direction]?["bytes"]?.integer == wanted.bytes)
      }
      #expect(listener["port"]?.integer == 5678)
      #expect(listener["receive_queue_drops"]?.integer == 0)
    }
    let addresses = listeners.compactMap { $0["address"]?.string }
    #expect(expected.keys.allSatisfy { addresses.contains($0) })
    #expect(counters["name"]?.string == "default")
    #expect(counters["sessions"]?.integer == 2)
    #expect(counters["sessions_created"]?.integer == 2)
    for none in ["dropped", "sessions_ended"] { #expect(counters[none] == .object([:])) }
    #expect(counters["send_errors"] == .object(["to_backend": .object([:]), "to_client": .object([:])]))
    #expect(counters["upstream_queue_drops"]?.integer == 0)
  }

  // MARK: What it writes

  @Test func theReadyLineNamesAddressesPortsAndBackend() throws {
    let network = try PairNetwork(host: ["10.1.0.1/16", "10.1.0.2/16"])
    let relay = try MultihomedProcess.start(
      in: network.host,
      ["relay", "--listen", "5678", "--listen", "5700-5702", "--backend", "127.0.0.1:9", "--ipv4-only"])
    #expect(relay.process.lines(of: .output) == ["ready: 2 addresses, ports 5678, 5700-5702, backend 127.0.0.1:9"])
    let one = try MultihomedProcess.start(
      in: network.host, ["relay", "--listen", "10.1.0.2:6000", "--backend", "[::1]:9"])
    #expect(one.ready == "ready: 1 address, port 6000, backend [::1]:9")
  }

  @Test func everyLineOfAJSONLogIsAnObject() throws {
    let host = try RelayedHost(try PairNetwork(), ["--log-level", "trace", "--drain-limit", "1s"])
    try host.waitForAnswer(from: "10.1.0.1")
    try host.host.remove(["10.1.0.1/16"], from: "eth0")
    try host.relay.process.waitForLine(containing: "address is gone")
    host.relay.process.signal(SIGHUP)
    _ = try host.counters()
    #expect(try host.relay.stop() == .status(0))
    let lines = host.relay.process.lines(of: .error)
    #expect(lines.count >= 6)
    for line in lines {
      let value = try JSON(parsing: line)
      for key in ["time", "level", "message"] { #expect(value[key]?.string?.isEmpty == false, "\(line)") }
    }
  }

  @Test func aTextLogHasOneLineForEachEvent() throws {
    let network = try PairNetwork()
    let relay = try MultihomedProcess.start(
      in: network.host, ["relay", "--listen", "5678", "--backend", "echo", "--log-format", "text"])
    relay.process.signal(SIGUSR1)
    let line = try relay.process.waitForLine(containing: "notice counters counters={")
    let object = try JSON(parsing: String(line.drop { $0 != "{" }))
    #expect(object["relays"]?[0]?["sessions"]?.integer == 0)
    #expect(try relay.stop() == .status(0))
    let levels = ["info ", "notice ", "warning "]
    for line in relay.process.lines(of: .error) {
      let rest = line.split(separator: " ", maxSplits: 1).last ?? ""
      #expect(line.prefix(24).hasSuffix("Z") && levels.contains { rest.hasPrefix($0) }, "\(line)")
    }
  }

  /// How a shell starts it with descriptors 1 and 2 in some state.
  static let outputs: [(what: String, redirection: String)] = [
    ("output closed", ">&-"), ("error closed", "2>&-"), ("all closed", "<&- >&- 2>&-"),
    ("a pipe that nobody reads any more", ">\"$pipe\" 2>&1"), ("a full device", ">/dev/full 2>&1"),
  ]

  @Test(arguments: outputs)
  func whoeverDoesNotListenToItDoesNotHarmIt(what: String, redirection: String) throws {
    let network = try PairNetwork()
    let folder = try TemporaryFolder()
    // Who opens a fifo waits for its other end; here that one goes at once.
    let script = """
      pipe='\(folder.path)/pipe'
      mkfifo "$pipe"
      : < "$pipe" &
      [ "$1" = pipe ] || : > "$pipe"
      shift
      exec "$@" \(redirection)
      """
    let isPipe = redirection.contains("pipe") ? "pipe" : "none"
    let command = ["relay", "--listen", "5678", "--backend", "echo", "--log-level", "trace"]
    let process = try ManagedProcess(
      "sh", ["-c", script, "sh", isPipe, MultihomedProcess.path()] + command, in: network.host)
    let client = try UDPClient(in: network.client, from: Endpoint(.anyIPv4, 0))
    try eventually("an answer") { try client.ask("hello", of: asked, within: .milliseconds(20)) != nil }
    for signal in [SIGUSR1, SIGHUP, SIGUSR1] { process.signal(signal) }
    try network.host.add(["10.1.0.2/16"], to: "eth0")
    let later = try #require(Endpoint("10.1.0.2:5678"))
    try eventually("an answer") { try client.ask("hello", of: later, within: .milliseconds(20)) != nil }
    // No socket of ours has taken the place of a closed one.
    #expect(KernelView(process.processID).sockets(0...2).allSatisfy { !$0.hasPrefix("socket:[") })
    process.signal(SIGTERM)
    #expect(try process.waitForExit() == .status(0))
  }
}
