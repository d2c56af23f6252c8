import Glibc
import Linux
import Support
import Testing

/// What a relay that runs says of itself.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct AdminTests {
  private static let two =
    ReloadHost.echo("dns", 5678, "max-sessions = 1000") + ReloadHost.echo("voice", 5679, "upstream = 'connected'")

  // MARK: Sessions

  @Test func exactlyTheSessionsThatThereAreAreListedWithAllTheirCounts() throws {
    let host = try AdminHost(Self.two)
    var wanted: [String: (asked: String, relay: String, datagrams: Int, bytes: Int)] = [:]
    for (number, asked) in ["10.1.0.1:5678", "[fd01::1]:5678", "10.1.0.1:5679", "[fd01::1]:5679"].enumerated() {
      for other in 1...3 {
        let client = try host.client(of: asked)
        for _ in 1...other { #expect(try client.ask(pattern(100 * (number + 1))) != nil) }
        wanted["\(try client.localEndpoint())"] = (
          asked, number < 2 ? "dns" : "voice", other, other * 100 * (number + 1)
        )
      }
    }
    let (rows, matching) = try host.sessions()
    #expect(rows.count == 12 && matching == 12 && wanted.count == 12)
    for row in rows {
      let expected = try #require(wanted[row["client"]?.string ?? ""])
      #expect(row["asked"]?.string == expected.asked && row["relay"]?.string == expected.relay)
      for direction in ["to_backend", "to_client"] {
        #expect(row[direction]?["datagrams"]?.integer == expected.datagrams)
        #expect(row[direction]?["bytes"]?.integer == expected.bytes)
      }
      #expect(row["replied"] == .bool(true))
      if expected.relay == "dns" {
        #expect(row["upstream"]?.string?.hasPrefix("127.64.0.") == true)
      } else {
        #expect((row["upstream"]?.integer ?? 0) > 1_023)
      }
    }
    // All of them as they lie are the same.
    #expect(try Set(host.clients("--all")) == Set(wanted.keys))
  }

  @Test func sessionsAreChosenByRelayClientAndAddressAsked() throws {
    let host = try AdminHost(Self.two)
    try host.network.client.ip(["address add 10.1.255.2/16 dev eth0"])
    var clients: [UDPClient] = []
    for (source, asked) in [
      ("10.1.255.1", "10.1.0.1:5678"), ("10.1.255.2", "10.1.0.1:5678"), ("10.1.255.2", "10.1.0.1:5679"),
    ] {
      let client = try UDPClient(in: host.network.client, from: .of("\(source):0"), to: .of(asked))
      #expect(try client.ask("hello") != nil)
      clients.append(client)
    }
    let names = try clients.map { "\(try $0.localEndpoint())" }
    #expect(try Set(host.clients("--relay", "dns")) == Set(names[0...1]))
    #expect(try Set(host.clients("--client", "10.1.255.2")) == Set(names[1...2]))
    #expect(try Set(host.clients("--client", "10.1.255.0/30", "--asked", ":5679")) == [names[2]])
    #expect(try Set(host.clients("--client", names[0])) == [names[0]])
    #expect(try host.clients("--asked", "10.1.0.2") == [] && host.clients("--client", "fd01::/64") == [])
    #expect(try host.clients("--relay", "voice", "--all") == [names[2]])
    let wrong = try host.run("sessions", "--relay", "games")
    #expect(wrong.exit == .status(1) && wrong.error.contains("there is no relay 'games'; there is dns, voice"))
  }

  @Test func sessionsThatWereNeverAnsweredCanBeTold() throws {
    let scene = try BackendScene(.multiplexed, environment: ["MULTIHOMED_ADMIN": "/run/unanswered.sock"])
    let ignored = try scene.client()
    try ignored.send("hello")
    func clients(_ choice: String...) throws -> [String] {
      let ran = try Ran(["sessions", "--json", "--admin", "/run/unanswered.sock"] + choice)
      return try JSON(parsing: ran.output)["sessions"]?.array?.compactMap { $0["client"]?.string } ?? []
    }
    try eventually("its session is there") { try clients() == ["\(ignored.localEndpoint())"] }
    try scene.startService()
    let answered = try scene.client()
    #expect(try answered.ask(ServiceProgram.Request().bytes()) != nil)
    #expect(try clients("--unreplied") == ["\(try ignored.localEndpoint())"])
    #expect(try clients("--replied") == ["\(try answered.localEndpoint())"])
  }

  @Test func theGreatestComeFirstAndNoMoreThanAskedFor() throws {
    let host = try AdminHost()
    var names: [String] = []
    for number in 1...10 {
      let client = try host.client()
      for _ in 1...number { #expect(try client.ask(pattern(1_000 - 90 * number)) != nil) }
      names.append("\(try client.localEndpoint())")
    }
    #expect(try host.clients("--limit", "3") == Array(names[0...2]))
    #expect(try host.clients("--order", "age") == names && host.clients("--order", "idle") == names)
    #expect(try host.clients("--order", "recent") == names.reversed())
    #expect(try host.clients("--order", "datagrams") == names.reversed())
    // n times 1,000 - 90 n bytes: most at 5 and 6, in the middle of the row.
    let sums = (1...10).map { (name: names[$0 - 1], bytes: $0 * (1_000 - 90 * $0)) }
    let bytes = sums.sorted { $0.bytes > $1.bytes }.map(\.name)
    #expect(try host.clients("--order", "bytes") == bytes)
    let ran = try host.run("sessions", "--limit", "4")
    let lines = ran.output.split(separator: "\n")
    #expect(
      lines.count == 6 && lines[0].hasPrefix("RELAY") && lines[5] == "4 of 10 sessions; --limit N or --all shows more")
  }

  /// Nobody waits for whoever lists a hundred thousand sessions, time and again.
  @Test func aHundredThousandAreListedWhileEveryDatagramIsAnswered() throws {
    let count = Load.count(100_000)
    let scene = try BackendScene(
      .multiplexed, "--max-sessions 200000 --idle-timeout 1h", environment: ["MULTIHOMED_ADMIN": "/run/many.sock"])
    try scene.startService()
    let crowd = try scene.crowd()
    for first in stride(from: 0, to: count, by: 200) {
      try crowd.send(Crowd.Order { ($0.first, $0.clients) = (first, 200) })
      try crowd.receive(own: first + 200, within: .seconds(60))
    }
    let before = try scene.relay.process.residentBytes()
    let traffic = try PacedTraffic(try scene.client(), to: scene.asked, start: ServiceProgram.Request().bytes())
    for order in ["--all", "--limit=100000", "--order=bytes"] {
      let ran = try Ran(["sessions", "--json", order, "--admin", "/run/many.sock"], within: .seconds(300))
      #expect(ran.exit == .status(0), "\(ran.error)")
      #expect(ran.output.contains("\"matching\":\(count + 1)"))
      let wanted = order == "--order=bytes" ? 100 : order == "--all" ? count + 1 : min(100_000, count + 1)
      #expect(Self.clients(in: ran.output).count == wanted)
    }
    let (sent, answered) = try traffic.stop()
    #expect(sent > 0 && sent == answered, "\(answered) of \(sent)")
    print("FIGURE listing \(count) sessions: KiB more:", (try scene.relay.process.residentBytes() - before) >> 10)
    #expect(crowd.foreign == 0)
  }

  /// Not by our parser, which takes half a minute for so much.
  private static func clients(in text: String) -> Set<ArraySlice<UInt8>> {
    let (bytes, key) = (Array(text.utf8), Array("\"client\":\"".utf8))
    var clients: Set<ArraySlice<UInt8>> = []
    for place in bytes.indices where bytes[place] == key[0] && bytes[place...].starts(with: key) {
      clients.insert(bytes[(place + key.count)...].prefix { $0 != UInt8(ascii: "\"") })
    }
    return clients
  }

  // MARK: Status

  @Test func theStatusIsWhatHasHappened() throws {
    let host = try AdminHost(Self.two, ["--workers", "2"])
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
    let host = try AdminHost(Self.two)
    try host.tell("listen = [")
    let failed = try eventually("the reload has failed") {
      let reload = try host.status()["last_reload"]
      return reload?["succeeded"] == .bool(false) ? reload : nil
    }
    #expect(failed["errors"]?[0]?.string?.contains("multihomed.toml:1:") == true)
    #expect(try host.run("status").output.contains("failed, the configuration before it goes on:"))
    try host.tell(Self.two)
    try eventually("the reload has succeeded") { try host.status()["last_reload"]?["succeeded"] == .bool(true) }
  }

  // MARK: The log's level

  @Test func theLogLevelChangesAtOnce() throws {
    let host = try AdminHost(Self.two)
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
    try host.tell(Self.two)
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

  @Test func whoeverHasNoRightIsToldWhoHas() throws {
    let host = try AdminHost()
    let parent = String(host.path.prefix { _ in true }.split(separator: "/").dropLast().map { "/\($0)" }.joined())
    #expect(unsafe chmod(parent, 0o755) == 0)
    let program = try MultihomedProcess.path()
    // setpriv gives up what root may in any case.
    let process = try ManagedProcess(
      "setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", program, "status", "--admin", host.path])
    let exit = try process.waitForExit()
    let error = process.text(of: .error)
    // Where the program itself is out of their reach, nothing can be said.
    if error.contains("setpriv") { return }
    #expect(exit == .status(1))
    #expect(error.contains("no right to ask \(host.path): it belongs to root; try: sudo multihomed …"))
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
    let environment = ["TERM": "xterm", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"]
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
