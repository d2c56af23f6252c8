import CSupport
import Glibc
import Linux
import Support
import Testing

/// What a relay costs while nothing happens.
@Suite(.serialized, .enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"))
struct RestTests {
  /// Several processes in their several states, watched together: one that has seen nothing yet, one whose sessions
  /// have all expired, and one that has an address that failed its duplicate address detection. All of them lost an
  /// address whose grace is over.
  @Test(.enabled(if: Trace.isPossible && !isSanitized, "strace cannot trace here, or a sanitizer would be seen"))
  func aRelayAtRestMakesNoSystemCall() throws {
    let network = try PairNetwork(client: ["10.1.255.1/16", "fd01::ffff/64", "fd01::5/64"])
    let fresh = try RelayedHost(network, ["--metrics", "127.0.0.1:9478"])
    _ = try Scrape(in: network.host)
    for path in ["/healthz", "/readyz"] { _ = try HTTPAnswer.get(path, from: Scrape.place, in: network.host) }
    let used = try ["multiplexed", "connected"].enumerated().map { number, upstream in
      try RelayedHost(
        network, port: UInt16(6000 + number),
        ["--upstream", upstream, "--idle-timeout", "1s", "--unreplied-timeout", "1s", "--workers", "2"])
    }
    try network.host.add(["10.1.0.9/16"], to: "eth0")
    try network.host.add(["fd01::5/64"], to: "eth0", awaitsDuplicates: true)
    for host in used {
      let asked = try host.endpoint("10.1.0.9")
      try host.waitForAnswer(from: "10.1.0.9")
      for _ in 1...50 { #expect(try host.open().ask("hello", of: asked) != nil) }
    }
    try network.host.remove(["10.1.0.9/16"], from: "eth0")
    for host in used { try eventually("the end of all sessions") { try host.sessions().now == 0 } }
    let all = [fresh] + used
    // The first seconds still bring the end of the grace, and attempts to bind what cannot be bound.
    let traces = try all.map { try Trace(of: $0.relay.process.processID) }
    do {
      try eventually(within: .seconds(40)) {
        // Each of them is asked every time.
        traces.map(\.silence).allSatisfy { $0 >= .seconds(10) }
      }
    } catch is TestFailure {
      throw TestFailure("never ten seconds without a system call: \(traces.map { $0.lines.suffix(8) })")
    }
    for host in all {
      let lines = host.relay.process.lines()
      #expect(lines.contains { $0.contains("did not come back") }, "\(lines)")
    }
    // It sleeps, it is not dead; and the trace would have shown something.
    for (trace, host) in zip(traces, all) {
      _ = try host.counters()
      try eventually("a system call") { trace.silence < .seconds(10) }
    }
    try fresh.waitForAnswer(from: "10.1.0.1")
  }

  /// With --busy-poll it looks again and again after a datagram, and then sleeps like any other.
  @Test(.enabled(if: Trace.isPossible && !isSanitized, "strace cannot trace here, or a sanitizer would be seen"))
  func aBusyPollingRelayLooksOnForAWhileAndThenSleeps() throws {
    let host = try RelayedHost(try PairNetwork(), ["--busy-poll", "300ms", "--unreplied-timeout", "1h"])
    _ = try host.settledDescriptors()
    let trace = try Trace(of: host.relay.process.processID)
    func looks() -> Int { trace.lines.filter { $0.contains("epoll_wait(") && $0.contains(", 0) = 0") }.count }
    try eventually("sleep after the start") { trace.silence >= .seconds(1) }
    let before = looks()
    #expect(try host.open().ask("hello", of: try host.endpoint("10.1.0.1")) != nil)
    try eventually("many looks without a pause") { looks() - before >= 100 }
    try eventually("sleep") { trace.silence >= .seconds(1) }
  }

  /// How much of the program's file is mapped is the kernel's affair: of the same program 15 to 19 MB were seen, as more or less
  /// of it lay in the page cache. So the bound of 16 MB is the benchmark's (`rest`), and this one for what the process owns.
  @Test func memoryAtRestIsSmall() throws {
    let host = try RelayedHost(try PairNetwork(), ["--metrics", "127.0.0.1:9478"])
    // Some work, so that everything has been touched once.
    let paced = try PacedTraffic(host.open(), to: host.endpoint("10.1.0.1"))
    try eventually("some answers") { try paced.answered() > 300 }
    _ = try paced.stop()
    for _ in 0..<20 { _ = try Scrape(in: host.host) }
    let (own, resident) = try (host.kernel.anonymousKilobytes(), host.kernel.residentKilobytes())
    print("FIGURE memory at rest after 300 datagrams and 20 scrapes, KiB: own \(own), resident \(resident)")
    #expect(!isOptimised || isSanitized || own <= 3 * 1024, "\(host.kernel.memoryMap)")
    #expect(!isOptimised || isSanitized || resident <= 20 * 1024, "\(host.kernel.memoryMap)")
  }

  /// Only the kernel may ring: a message from a process must not even make the relay read its addresses.
  @Test(.enabled(if: Trace.isPossible && !isSanitized, "strace cannot trace here, or a sanitizer would be seen"))
  func aForgedNetlinkMessageIsIgnored() throws {
    let host = try RelayedHost(try PairNetwork())
    _ = try host.settledDescriptors()
    let port = try host.kernel.doorbell().port
    let trace = try Trace(of: host.relay.process.processID)
    let before = trace.lines.count
    for _ in 1...100 {
      let result = try host.host.run { () throws(Errno) in mhs_forge_netlink_message(port) }
      #expect(result == 0)
    }
    try eventually("all messages were taken") {
      trace.lines.dropFirst(before).filter { $0.contains("nl_pid=\(getpid())") || $0.contains("recvfrom(") }.count
        >= 100
    }
    #expect(trace.lines.dropFirst(before).filter { $0.contains("AF_NETLINK, SOCK_RAW") }.isEmpty)
    // A real one does: the trace would have shown it.
    try host.host.add(["10.1.0.2/16"], to: "eth0")
    try host.waitForAnswer(from: "10.1.0.2")
    try eventually("a look at the addresses") {
      trace.lines.dropFirst(before).contains { $0.contains("AF_NETLINK, SOCK_RAW") }
    }
  }
}

/// The system calls of a program and all its threads (strace(1)).
final class Trace: Sendable {
  /// Whether strace is there and may do its work.
  static let isPossible = (try? ManagedProcess("strace", ["true"]).waitForExit()) == .status(0)

  private struct Seen {
    var lines = 0
    var last = Instant.now
  }

  private let process: ManagedProcess
  private let seen = Monitor(Seen())

  /// Attaches to a program; what it does from now on is seen.
  init(of processID: Int32) throws {
    process = try ManagedProcess("strace", ["-f", "-p", "\(processID)"])
    try process.waitForLine(containing: " attached")
    _ = silence
  }

  /// All lines so far; the first tell of attaching.
  var lines: [String] { process.lines(of: .error) }

  /// For how long there has been no new line, as far as this was asked often.
  var silence: Nanoseconds {
    let lines = lines.count
    return seen.with { seen in
      if seen.lines != lines { seen = Seen(lines: lines, last: .now) }
      return .now - seen.last
    }
  }
}
