import Glibc
import Linux
import Support
import Testing

/// The service manager that has started it is told how things stand (sd_notify(3)).
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct ServiceManagerTests {
  private let relay = ["relay", "--listen", "5678", "--backend", "echo", "--ipv4-only"]

  @Test func itIsToldOfTheStartEachReloadEachAddressAndTheEndAndOfNothingElse() throws {
    let network = try PairNetwork()
    let manager = try TestManager()
    let relay = try MultihomedProcess.start(
      in: network.host, relay + ["--drain-limit", "7s"], environment: manager.environment())
    #expect(try manager.next() == ["READY=1", "STATUS=serving 1 address, 0 sessions"])

    let before = Instant.now
    relay.process.signal(SIGHUP)
    let reloading = try #require(try manager.next())
    #expect(reloading[0] == "RELOADING=1" && reloading[2] == "STATUS=reading the configuration again")
    let moment = try #require(UInt64(reloading[1].split(separator: "=")[1]))
    #expect(reloading[1].hasPrefix("MONOTONIC_USEC="))
    #expect((before.nanoseconds / 1_000...Instant.now.nanoseconds / 1_000).contains(moment))
    #expect(try manager.next() == ["READY=1", "STATUS=serving 1 address, 0 sessions"])

    try network.host.add(["10.1.0.9/16"], to: "eth0")
    #expect(try manager.next() == ["STATUS=serving 2 addresses, 0 sessions"])

    relay.process.signal(SIGTERM)
    #expect(
      try manager.next() == [
        "STOPPING=1", "EXTEND_TIMEOUT_USEC=12000000", "STATUS=draining: 2 addresses, 0 sessions",
      ])
    #expect(try relay.process.waitForExit() == .status(0))
    #expect(try manager.next(within: .zero) == nil)
  }

  @Test func readyIsSaidWhenItServes() throws {
    let network = try PairNetwork()
    let manager = try TestManager()
    let process = try MultihomedProcess.launch(in: network.host, relay, environment: manager.environment())
    try manager.wait(for: "READY=1")
    // Not a moment later.
    #expect(try UDPClient(in: network.client, to: .of("10.1.0.1:5678")).ask("hello") != nil)
    try process.waitForLine(containing: "ready: ", of: .output)
  }

  @Test func aConfigurationThatIsRefusedIsTheEndOfTheReloadToo() throws {
    let network = try PairNetwork()
    let (manager, folder) = try (TestManager(), TemporaryFolder())
    let path = try folder.write(ReloadHost.echo("a", 5678, "ipv4-only = true"), to: "a.toml")
    let relay = try MultihomedProcess.start(
      in: network.host, ["relay", "--config", path, "--log-format", "json"], environment: manager.environment())
    #expect(try manager.next()?.first == "READY=1")
    try folder.write("nonsense", to: "a.toml")
    relay.process.signal(SIGHUP)
    #expect(try manager.next()?.first == "RELOADING=1")
    #expect(try manager.next() == ["READY=1", "STATUS=serving 1 address, 0 sessions"])
    withExtendedLifetime((network, relay)) {}
  }

  // MARK: The watchdog

  @Test func signsOfLifeComeTwiceInTheWatchdogsTime() throws {
    let network = try PairNetwork()
    let manager = try TestManager()
    let watchdog = Nanoseconds.seconds(2)
    let relay = try MultihomedProcess.start(
      in: network.host, relay + ["--workers", "2"], environment: manager.environment(watchdog: watchdog))
    try manager.wait(for: "READY=1")
    let begin = Instant.now
    for _ in 1...4 { #expect(try manager.next() == ["WATCHDOG=1"]) }
    // The first at once, and then one each second.
    let taken = Instant.now - begin
    #expect(taken >= .milliseconds(2_900) && taken < .seconds(10), "\(taken)")
    let client = try UDPClient(in: network.client, to: .of("10.1.0.1:5678"))
    #expect(try client.ask("hello") != nil)
    try manager.wait(for: "STATUS=serving 1 address, 1 session")
    withExtendedLifetime((network, relay)) {}
  }

  @Test func oneWorkerThatIsStuckEndsTheSignsOfLifeUntilItGoesOn() throws {
    let network = try PairNetwork()
    let (manager, folder) = try (TestManager(), TemporaryFolder())
    var fault = FaultInjection.Fault(.receive, .hang)
    fault.times = nil
    fault.localPort = 5678
    let relay = try MultihomedProcess.start(
      in: network.host, relay + ["--workers", "2"], environment: manager.environment(watchdog: .milliseconds(400)),
      faults: FaultInjection([fault], whileFileExists: "\(folder.path)/stuck"))
    try manager.wait(for: "WATCHDOG=1")
    let stuck = try folder.write("", to: "stuck")
    try UDPClient(in: network.client, to: .of("10.1.0.1:5678")).send("hello")
    try relay.process.waitForLine(containing: "fault: recvmmsg hangs")
    // Some may be under way.
    for _ in 1...20 where try manager.next(within: .milliseconds(1_500)) == nil { break }
    // The control loop is well, and says so: it is the worker that gives no sign.
    _ = try relay.counters()
    #expect(try manager.next(within: .milliseconds(1_500)) == nil)
    _ = unsafe unlink(stuck)
    try manager.wait(for: "WATCHDOG=1")
  }

  @Test func aWatchdogOfAnotherProcessIsLeftToIt() throws {
    let network = try PairNetwork()
    let manager = try TestManager()
    let variables = manager.environment(watchdog: .milliseconds(100)).merging(["WATCHDOG_PID": "1"]) { $1 }
    let relay = try MultihomedProcess.start(in: network.host, relay, environment: variables)
    #expect(try manager.next()?.first == "READY=1")
    #expect(try manager.next(within: .milliseconds(500)) == nil)
    withExtendedLifetime((network, relay)) {}
  }

  // MARK: Nobody there

  @Test func aManagerThatCannotBeToldIsOneWarning() throws {
    let network = try PairNetwork()
    let relay = try MultihomedProcess.start(
      in: network.host, relay, environment: ["NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": "20000"])
    let client = try UDPClient(in: network.client, to: .of("10.1.0.1:5678"))
    for _ in 1...20 {
      relay.process.signal(SIGHUP)
      #expect(try client.ask("hello") != nil)
    }
    #expect(try relay.stop() == .status(0))
    let warnings = relay.process.lines(of: .error).filter {
      $0.contains("the service manager cannot be told how things stand")
    }
    #expect(warnings.count == 1 && warnings[0].contains("\"warning\"") && warnings[0].contains("ENOENT"))
  }

  @Test func noChildIsToldOfTheManager() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: Endpoint(.anyIPv4, 5678), in: network.host)
    let manager = try TestManager()
    let relay = try MultihomedProcess.start(
      in: network.host, ["adopt", "5678"], environment: manager.environment(watchdog: .seconds(60)))
    try manager.wait(for: "READY=1")
    try manager.wait(for: "WATCHDOG=1")
    let process = relay.process.processID
    let children = ProcFile.read("/proc/\(process)/task/\(process)/children")?.split(separator: " ") ?? []
    let broker = try #require(children.first)
    let variables = try #require(ProcFile.read("/proc/\(broker)/environ")).split(separator: "\0")
    #expect(variables.contains { $0.hasPrefix("PATH=") })
    #expect(!variables.contains { $0.hasPrefix("NOTIFY_SOCKET=") || $0.hasPrefix("WATCHDOG_") })
    withExtendedLifetime((network, service)) {}
  }

  // MARK: The journal

  /// A file stands for the journal's socket: what counts is that JOURNAL_STREAM names what standard error is.
  @Test func textForTheJournalHasPrioritiesAndNoTimes() throws {
    let network = try PairNetwork()
    let folder = try TemporaryFolder()
    let script = """
      exec 2>"$0"
      JOURNAL_STREAM=$(stat -L -c %d:%i /dev/fd/2)
      export JOURNAL_STREAM
      exec "$@"
      """
    let log = "\(folder.path)/log"
    let arguments = ["-c", script, log, try MultihomedProcess.path()] + relay + ["--log-format", "text"]
    let process = try ManagedProcess("sh", arguments, in: network.host)
    try process.waitForLine(containing: "ready", of: .output)
    process.signal(SIGTERM)
    #expect(try process.waitForExit() == .status(0))
    let lines = (ProcFile.read(log) ?? "").split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("<4>warning the echo backend") })
    #expect(lines.contains { $0.hasPrefix("<6>info  listening") })
    #expect(lines.contains { $0.hasPrefix("<5>notice SIGTERM: draining") })
    #expect(lines.allSatisfy { $0.hasPrefix("<") })
  }
}
