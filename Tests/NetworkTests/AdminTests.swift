import Glibc
import Linux
import Support
import Testing

/// What a relay that runs says of itself.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct AdminTests {
  // MARK: Status

  @Test func theStatusIsWhatHasHappened() throws {
    let host = try AdminHost(AdminHost.two, ["--workers", "2"])
    for number in 1...4 {
      let client = try host.client()
      for _ in 1...number { #expect(try client.ask(pattern(10)) != nil) }
    }
    let status = try host.status()
    #expect(status["version"]?.string == "0.1.0" && status["pid"]?.integer == Int(host.relay.process.processID))
    #expect(status["state"]?.string == "healthy" && status["workers"]?.integer == 2 && status["last_reload"] == .null)
    #expect(status["log_level"]?.string == "info")
    #expect(status["configuration"]?.string?.hasSuffix("/multihomed.toml") == true)
    let (dns, voice) = (status["relays"]?[0], status["relays"]?[1])
    #expect(
      dns?["name"]?.string == "dns" && dns?["backend"]?.string == "echo" && dns?["upstream"]?.string == "multiplexed")
    #expect(dns?["sessions"]?.integer == 4 && dns?["sessions_created"]?.integer == 4)
    #expect(dns?["session_limit"]?.integer == 1_000 && dns?["sessions_awaiting_reply"]?.integer == 0)
    #expect(voice?["upstream"]?.string == "connected" && voice?["sessions"]?.integer == 0)
    let listeners = dns?["listeners"]?.array ?? []
    #expect(listeners.map { $0["address"]?.string } == ["10.1.0.1", "fd01::1"])
    #expect(listeners.allSatisfy { $0["state"]?.string == "up" && $0["port"]?.integer == 5678 })
    for direction in ["to_backend", "to_client"] {
      #expect(listeners.first?[direction]?["datagrams"]?.integer == 10)
      #expect(listeners.first?[direction]?["bytes"]?.integer == 100)
    }
    #expect(try host.run("status").exit == .status(0))
  }

  @Test func aListenerThatIsNotUpMakesTheStatusUnhealthy() throws {
    let host = try AdminHost()
    try host.network.host.set("net/ipv4/ip_nonlocal_bind", to: "1")
    // Somebody takes the port of an address before it comes.
    var other: UDPClient? = try UDPClient(in: host.network.host, from: .of("10.1.0.9:5678"))
    try host.network.host.ip(["address add 10.1.0.9/16 dev eth0"])
    try eventually("it is told that it is not up") {
      let status = try host.run("status")
      return status.exit == .status(1)
        && status.output.contains("10.1.0.9:5678  pending  Address already in use (EADDRINUSE)")
    }
    #expect(try host.status()["state"]?.string == "unhealthy")
    #expect(other != nil)
    other = nil
    try eventually("it is up", within: .seconds(20)) { try host.run("status").exit == .status(0) }
  }

  @Test func aListenerWhoseAddressIsGoneIsSuspended() throws {
    let host = try AdminHost()
    try host.network.host.ip(["address del 10.1.0.1/16 dev eth0"])
    try eventually("it is suspended") {
      try host.status()["relays"]?[0]?["listeners"]?[0]?["state"]?.string == "suspended"
    }
    #expect(try host.status()["state"]?.string == "healthy")
  }

  @Test func theLastReloadIsToldOf() throws {
    let host = try AdminHost(AdminHost.two)
    try host.tell("listen = [")
    let failed = try eventually("the reload has failed") {
      let reload = try host.status()["last_reload"]
      return reload?["succeeded"] == .bool(false) ? reload : nil
    }
    #expect(failed["errors"]?[0]?.string?.contains("multihomed.toml:1:") == true)
    #expect(try host.run("status").output.contains("failed, the configuration before it goes on:"))
    try host.tell(AdminHost.two)
    try eventually("the reload has succeeded") { try host.status()["last_reload"]?["succeeded"] == .bool(true) }
  }

  // MARK: The log's level

  @Test func theLogLevelChangesAtOnce() throws {
    let host = try AdminHost(AdminHost.two)
    let ran = try host.run("log-level", "error")
    #expect(ran.exit == .status(0))
    #expect(ran.output == "pid \(host.relay.process.processID) logs from error on (before: info), until it reloads")
    try host.relay.process.waitForLine(containing: "\"message\":\"log level changed\"", of: .error)
    #expect(try host.status()["log_level"]?.string == "error")
    // Notices are not written any more; what holds after a reload is the file.
    let mark = host.relay.process.mark
    try host.tell("listen = [")
    try host.relay.process.waitForLine(containing: "the configuration stays as it was", of: .error, since: mark)
    #expect(!host.relay.process.lines(of: .error, since: mark).contains { $0.contains("SIGHUP") })
    try host.tell(AdminHost.two)
    try host.relay.process.waitForLine(containing: "configuration reloaded", of: .error, since: mark)
    #expect(try host.status()["log_level"]?.string == "info")
    let wrong = try host.run("log-level", "loud")
    #expect(wrong.exit == .status(64) && wrong.error.contains("'loud' is no log level; give one of trace, debug"))
  }

  // MARK: Who and where

  /// In a folder of its own beside which the other tests' relays, which have no socket, do not matter.
  @Test func severalProcessesAreFoundByThemselves() throws {
    let folder = try TemporaryFolder()
    func start(_ port: Int) throws -> MultihomedProcess {
      try MultihomedProcess.start(
        ["relay", "--listen", "127.0.0.1:\(port)", "--backend", "echo"],
        environment: ["MULTIHOMED_ADMIN": "", "RUNTIME_DIRECTORY": "", "XDG_RUNTIME_DIR": folder.path])
    }
    let environment = ["XDG_RUNTIME_DIR": folder.path]
    let none = try Ran(["status"], environment: environment)
    #expect(none.exit == .status(1) && none.error.contains("no relay is running that can be asked"))
    let relays = [try start(6001), try start(6002)]
    let pids = relays.map { Int($0.process.processID) }
    // Root's are in /run.
    #expect(pids.allSatisfy { (try? FileOwner("/run/multihomed/\($0).sock"))?.mode == 0o600 })
    let all = try Ran(["status", "--json"], environment: environment)
    #expect(try JSON(parsing: all.output).array?.compactMap { $0["pid"]?.integer }.sorted() == pids.sorted())
    let which = try Ran(["sessions"], environment: environment)
    #expect(which.exit == .status(64) && which.error.contains("2 processes are running; say which by --pid: "))
    #expect(try Ran(["sessions", "--pid", "\(pids[1])"], environment: environment).exit == .status(0))
    #expect(
      try Ran(["status", "--pid", "1"], environment: environment).error.contains("no relay with pid 1 can be asked"))
    // One that is killed leaves its socket behind.
    relays[0].process.kill()
    #expect((try? FileOwner("/run/multihomed/\(pids[0]).sock")) != nil)
    #expect(try Ran(["sessions"], environment: environment).exit == .status(0))
    #expect((try? FileOwner("/run/multihomed/\(pids[0]).sock")) == nil)
    try relays[1].stop()
    #expect((try? FileOwner("/run/multihomed/\(pids[1]).sock")) == nil)
  }

  @Test(.enabled(if: OtherUsers.obstacleToOurs == nil, "\(OtherUsers.obstacleToOurs ?? "")"))
  func whoeverHasNoRightIsToldWhoHas() throws {
    let host = try AdminHost()
    let parent = String(host.path.prefix { _ in true }.split(separator: "/").dropLast().map { "/\($0)" }.joined())
    #expect(unsafe chmod(parent, 0o755) == 0)
    let command = OtherUsers.command(for: OtherUsers.somebody)
    let process = try ManagedProcess(
      command[0], command.dropFirst() + [try MultihomedProcess.path(), "status", "--admin", host.path])
    let exit = try process.waitForExit()
    let error = process.text(of: .error)
    #expect(exit == .status(1))
    #expect(error.contains("no right to ask \(host.path): it belongs to root; try: sudo multihomed …"), "\(error)")
  }

  /// Where users may put sockets, one may be put into another's place.
  @Test(.enabled(if: OtherUsers.obstacleToOurs == nil, "\(OtherUsers.obstacleToOurs ?? "")"))
  func whoeverListensOnAnothersSocketIsNotAsked() throws {
    let folder = try TemporaryFolder()
    #expect(unsafe chmod(folder.path, 0o777) == 0)
    let path = "\(folder.path)/admin.sock"
    let command = OtherUsers.command(for: OtherUsers.somebody)
    let relay = ["relay", "--listen", "127.0.0.1:6004", "--backend", "echo", "--admin", path]
    let process = try ManagedProcess(command[0], command.dropFirst() + [try MultihomedProcess.path()] + relay)
    try process.waitForLine(containing: "ready: ")
    #expect(try Ran(["status", "--admin", path]).exit == .status(0))
    #expect(unsafe chown(path, 0, 0) == 0)
    let ran = try Ran(["status", "--admin", path])
    #expect(ran.exit == .status(1) && ran.output.isEmpty)
    #expect(ran.error.contains("\(path) belongs to root, but user 1234 listens on it, and is not believed; remove it"))
  }

  @Test func aHealthCheckGetsAWordAtOnce() throws {
    let host = try AdminHost()
    let ready = try host.run("status", "--ready")
    #expect(ready.exit == .status(0) && ready.output == "ready")
    // An address that cannot be had yet is no reason to send clients elsewhere.
    try host.network.host.set("net/ipv4/ip_nonlocal_bind", to: "1")
    let other = try UDPClient(in: host.network.host, from: .of("10.1.0.9:5678"))
    try host.network.host.ip(["address add 10.1.0.9/16 dev eth0"])
    try eventually("it is unhealthy") { try host.run("status").exit == .status(1) }
    #expect(try host.run("status", "--ready").exit == .status(0))
    host.relay.process.signal(SIGSTOP)
    let began = Instant.now
    #expect(try host.run("status", "--ready").exit == .status(1))
    #expect(Instant.now - began < .seconds(isSanitized ? 10 : 4))
    host.relay.process.signal(SIGCONT)
    try host.network.host.ip(["link set eth0 down"])
    try eventually("no listener is up") {
      let ran = try host.run("status", "--ready")
      return ran.exit == .status(1) && ran.output == "no listener is up"
    }
    withExtendedLifetime(other) {}
  }

  @Test func aSocketOfMetricsIsToldFromThatOfTheAdmin() throws {
    let folder = try TemporaryFolder()
    let host = try AdminHost(nil, ["--metrics", "unix:\(folder.path)/metrics.sock"])
    let ran = try Ran(["status", "--admin", "\(folder.path)/metrics.sock"])
    #expect(ran.exit == .status(1) && ran.error.contains("is not the admin socket of a relay"))
    withExtendedLifetime(host) {}
  }

  @Test func aPlaceThatCannotBeHadEndsTheStart() throws {
    let process = try MultihomedProcess.launch(
      ["relay", "--listen", "127.0.0.1:6003", "--backend", "echo", "--admin", "/nowhere/admin.sock"])
    #expect(try process.waitForExit() == .status(78))
    #expect(
      process.text(of: .error)
        .contains("cannot listen on the admin socket /nowhere/admin.sock: No such file or directory (ENOENT)"))
  }

  // MARK: A terminal

  @Test func topDrawsAndLeavesTheTerminalAsItWas() throws {
    let host = try AdminHost()
    let client = try host.client()
    let command = [try MultihomedProcess.path(), "top", "--interval", "100ms", "--admin", host.path]
    var environment = ["TERM": "xterm", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"]
    // A sanitizer's program must know what the tests' know (Tests/sanitize.sh).
    for name in ["ASAN_OPTIONS", "TSAN_OPTIONS"] {
      environment[name] = unsafe getenv(name).map { unsafe String(cString: $0) }
    }
    for (number, end) in ["q", "\u{3}", "SIGTERM"].enumerated() {
      let terminal = try TerminalProcess(command, environment: environment)
      let before = terminal.settings
      try terminal.wait(for: "\u{1b}[?1049h")
      try terminal.wait(for: "BUSIEST CLIENTS")
      #expect(terminal.settings != before)
      #expect(try client.ask("hello") != nil)
      // The session that moves is there.
      try terminal.wait(for: "\(try client.localEndpoint())")
      terminal.resize(columns: 40, rows: 12)
      try terminal.wait(for: "q quits", times: 3)
      if number < 2 { terminal.press(end) } else { terminal.signal(SIGTERM) }
      #expect(try terminal.waitForExit() == 0)
      try terminal.wait(for: "\u{1b}[?1049l")
      #expect(terminal.settings == before)
    }
  }

  @Test func withoutATerminalTopSaysWhatElseThereIs() throws {
    let host = try AdminHost()
    let refused = try host.run("top")
    #expect(refused.exit == .status(64))
    #expect(
      refused.error.contains(
        "top draws on a terminal, and there is none; give --once for one frame, or: multihomed status"))
    let once = try host.run("top", "--once", "--interval", "100ms")
    #expect(once.exit == .status(0) && once.output.contains("BUSIEST CLIENTS") && !once.output.contains("\u{1b}"))
  }
}
