import JSON
import Linux
import Testing

import Operator

/// What people see, drawn from values.
@Suite struct ViewTests {
  static func status(
    _ datagrams: Int = 0, created: Int = 0, drops: Int = 0, state: String = "healthy", listener: String = "up",
    pid: Int = 7
  ) throws -> Status {
    let flow = "{\"datagrams\":\(datagrams),\"bytes\":\(datagrams * 100)}"
    let reason = listener == "up" ? "null" : "\"Cannot assign requested address (EADDRNOTAVAIL)\""
    let text = """
      {"version":"1.2.3","pid":\(pid),"started":"then","uptime":93784,"configuration":"/etc/multihomed.toml","state":"\(state)",
       "log_level":"info","workers":2,"last_reload":null,"relays":[{"name":"dns","listen":["53"],"backend":"127.0.0.1:53",
       "upstream":"multiplexed","sessions":3,"session_limit":1048576,"sessions_awaiting_reply":1,"sessions_created":\(created),
       "sessions_ended":{"idle":12345},"dropped":{"late_reply":\(drops)},"send_errors":{"to_client":{"EPERM":2},"to_backend":{}},
       "upstream_queue_drops":0,"listeners":[{"address":"192.0.2.1","port":53,"state":"up","reason":null,"to_backend":\(flow),
       "to_client":\(flow),"receive_queue_drops":4},{"address":"2001:db8::1","port":53,"state":"\(listener)","reason":\(reason),
       "to_backend":{"datagrams":0,"bytes":0},"to_client":{"datagrams":0,"bytes":0},"receive_queue_drops":0}]}]}
      """
    return try #require(Status(JSONValue(parsing: text)))
  }

  static func session(_ client: String, _ datagrams: Int, age: Double = 60) throws -> Session {
    try #require(
      Session(
        JSONValue(
          parsing: """
            {"relay":"dns","client":"\(client)","asked":"192.0.2.1:53","age":\(age),"idle":0.5,
             "to_backend":{"datagrams":\(datagrams),"bytes":\(datagrams * 10)},"to_client":{"datagrams":0,"bytes":0},
             "replied":true,"upstream":"127.64.0.1"}
            """)))
  }

  private func drawn(
    _ looks: [(Status, [Session])], columns: Int = 80, rows: Int = 24, colours: Bool = false, plain: Bool = false,
    interactive: Bool = true
  ) -> [String] {
    var state = TopState()
    for (number, look) in looks.enumerated() {
      state.take(
        TopState.Look(
          status: look.0, sessions: look.1, time: Instant(nanoseconds: 1_000_000_000 * UInt64(number + 1))))
    }
    let style = TopView.Style(
      isColoured: colours, isPlain: plain, interval: .seconds(1), isInteractive: interactive)
    return TopView(state: state, size: Terminal.Size(columns: columns, rows: rows), style: style).lines
  }

  // MARK: Status

  @Test func aStatusIsWrittenForPeople() throws {
    #expect(
      StatusText(status: try Self.status(1_500, created: 20_000, drops: 6, state: "unhealthy", listener: "pending"))
        .lines == [
          "multihomed 1.2.3, pid 7: unhealthy, up 1d 2h, 1 relay, 2 workers",
          "  configuration /etc/multihomed.toml; log level info",
          "",
          "relay dns: 53 to 127.0.0.1:53, multiplexed",
          "  sessions    3 of at most 1,048,576, 1 await a reply; 20,000 begun by this process",
          "  to backend  1,500 datagrams, 146KiB",
          "  to clients  1,500 datagrams, 146KiB",
          "  ended       idle 12,345",
          "  dropped     late_reply 6",
          "  lost        4 in listeners' queues, 0 in upstreams'",
          "  refused     to clients: EPERM 2",
          "  listeners   1 up, 1 not:",
          "    [2001:db8::1]:53  pending  Cannot assign requested address (EADDRNOTAVAIL)",
        ])
  }

  @Test func whatATerminalWouldObeyIsWrittenOut() throws {
    let json = try JSONValue(parsing: "{\"version\":\"\\u001b[31m\",\"pid\":1,\"state\":\"x\",\"relays\":[]}")
    let status = try #require(Status(json))
    #expect(!StatusText(status: status).lines.joined().unicodeScalars.contains("\u{1b}"))
  }

  @Test func whatIsNoStatusIsNone() throws {
    for text in ["{}", "[]", "1", "{\"version\":\"1\",\"pid\":\"x\",\"state\":\"healthy\",\"relays\":[]}"] {
      #expect(try Status(JSONValue(parsing: text)) == nil)
    }
  }

  // MARK: Top

  @Test func ratesAreDifferencesBySeconds() throws {
    let lines = drawn([
      (try Self.status(0), [try Self.session("10.0.0.1:1", 0), try Self.session("10.0.0.2:2", 50)]),
      (
        try Self.status(1_500, created: 12, drops: 30),
        [
          try Self.session("10.0.0.1:1", 900), try Self.session("10.0.0.2:2", 51),
          try Self.session("10.0.0.3:3", 5, age: 0.5),
          try Self.session("10.0.0.4:4", 7_000),
        ]
      ),
    ])
    #expect(lines.count == 24 && lines.allSatisfy { $0.count <= 80 })
    #expect(lines[0] == "multihomed 1.2.3  pid 7  healthy  up 1d 2h  1 relay  2 workers")
    #expect(lines[1] == "/etc/multihomed.toml")
    #expect(lines[3] == "RELAY        SESSIONS    NEW/s    TO BACKEND/s     TO CLIENT/s   LOST/s")
    #expect(lines[4] == "dns                 3       12    1.5k  146KiB    1.5k  146KiB       30")
    #expect(lines[5].hasSuffix("█  peak 3.0k/s"))
    let head = try #require(lines.firstIndex { $0.hasPrefix("BUSIEST CLIENTS") })
    // One that was not seen before, and is not new, has not moved as far as we know.
    #expect(
      lines[(head + 1)...(head + 4)].map { $0.split(separator: " ").first.map(String.init) } == [
        "10.0.0.1:1", "10.0.0.3:3", "10.0.0.2:2", nil,
      ])
    #expect(lines[head + 1].contains("900"))
    #expect(lines.last == "q quits; every 1.0s")
  }

  @Test func listenersThatAreNotUpAreNamed() throws {
    let lines = drawn([(try Self.status(state: "unhealthy", listener: "pending"), [])])
    #expect(lines.contains("NOT UP"))
    #expect(lines.contains { $0.hasPrefix("dns  [2001:db8::1]:53  pending  Cannot assign requested address") })
  }

  @Test(arguments: [(80, 24), (40, 10), (20, 5), (10, 2), (1, 1), (300, 100)])
  func itFitsWhateverTheTerminalIs(_ columns: Int, _ rows: Int) throws {
    let sessions = try (0..<200).map { try Self.session("10.0.0.\($0):1", $0 + 1, age: 0.1) }
    let look = (try Self.status(5, listener: "pending"), sessions)
    let lines = drawn([(try Self.status(), []), look], columns: columns, rows: rows, plain: true)
    #expect(lines.count <= rows && lines.allSatisfy { $0.count <= columns && $0.allSatisfy(\.isASCII) })
    #expect(!lines.isEmpty)
  }

  @Test func coloursAreOnlyWhereTheyAreWanted() throws {
    let looks = [(try Self.status(), [Session]()), (try Self.status(5), [])]
    #expect(!drawn(looks).joined().contains("\u{1b}"))
    #expect(drawn(looks, colours: true).joined().contains("\u{1b}[1m"))
  }

  @Test func afterARestartRatesBeginAnew() throws {
    let lines = drawn([(try Self.status(5_000, created: 50), []), (try Self.status(10, pid: 8), [])])
    #expect(lines[4] == "dns                 3        0       0      0B       0      0B        0")
  }

  @Test func beforeTheFirstLookItSaysSo() {
    #expect(
      TopView(
        state: TopState(), size: Terminal.Size(columns: 80, rows: 24),
        style: .init(isColoured: false, isPlain: false, interval: .seconds(1))
      ).lines == ["looking…"])
  }

  @Test func ofThePastSixtyLooksAreKept() throws {
    var state = TopState()
    for number in 0..<100 {
      state.take(
        TopState.Look(
          status: try Self.status(number * 10), sessions: [],
          time: Instant(nanoseconds: 1_000_000_000 * UInt64(number + 1))))
    }
    #expect(state.past["dns"] == Array(repeating: 20, count: 60))
  }

  // MARK: Small things

  @Test func aSparklineIsAsHighAsItsHighest() {
    #expect(Sparkline.text([0, 1, 4, 8], width: 6, isPlain: false) == "   ▁▄█")
    #expect(Sparkline.text([0, 1, 4, 8], width: 2, isPlain: true) == "=@")
    #expect(Sparkline.text([0, 0], width: 3, isPlain: true) == "   ")
    #expect(Sparkline.text([], width: 2, isPlain: true) == "  ")
    #expect(Sparkline.text([1_000_000, 1], width: 2, isPlain: true) == "@.")
  }

  @Test func numbersAreShort() {
    let short = [0, 1, 0.25, 12.34, 99.96, 999, 999.6, 1_234, 999_949, 1_000_000, 5e15].map { Quantity.short($0) }
    #expect(short == ["0", "1", "0.3", "12.3", "100", "999", "1.0k", "1.2k", "1.0M", "1.0M", "5.0P"])
    #expect(short.allSatisfy { $0.count <= 5 })
    #expect([0, 1_023, 1_024, 146.5 * 1_024].map { Quantity.bytes($0) } == ["0", "1.0Ki", "1.0Ki", "147Ki"])
    #expect(
      [0, 999, 1_000, 1_234_567, -1_000].map { Quantity.grouped($0) } == ["0", "999", "1,000", "1,234,567", "-1,000"])
    #expect(
      [0, 59, 60, 3_661, 90_000].map { Quantity.duration(seconds: $0) } == ["0s", "59s", "1m", "1h 1m", "1d 1h"])
    #expect([0, 0.44, 9.99, 200].map { Quantity.brief(seconds: $0) } == ["0.0s", "0.4s", "10.0s", "3m20s"])
  }

  // MARK: Command lines

  @Test func whatIsAskedForIsWritten() throws {
    let order = try SessionOrder(
      relay: "a.b-c_1", client: "192.0.2.0/24", asked: "[2001:db8::1]:53", replied: false, order: "bytes", limit: "5",
      isAll: false)
    #expect(
      order.target
        == "/sessions?relay=a.b-c_1&client=192.0.2.0%2F24&asked=%5B2001%3Adb8%3A%3A1%5D%3A53&replied=false&order=bytes&limit=5"
    )
    #expect(
      try SessionOrder(relay: nil, client: nil, asked: nil, replied: nil, order: nil, limit: nil, isAll: true).target
        == "/sessions?limit=0")
    #expect(
      try SessionOrder(relay: nil, client: nil, asked: nil, replied: nil, order: nil, limit: nil, isAll: false).target
        == "/sessions")
  }

  @Test func whatMakesNoSenseIsUsage() {
    func order(
      relay: String? = nil, client: String? = nil, order: String? = nil, limit: String? = nil, isAll: Bool = false
    ) -> Int32? {
      do throws(OperatorFailure) {
        _ = try SessionOrder(
          relay: relay, client: client, asked: nil, replied: nil, order: order, limit: limit, isAll: isAll)
        return nil
      } catch { return error.exitCode }
    }
    #expect(
      order(relay: "a b") == 64 && order(client: "x") == 64 && order(order: "x") == 64 && order(limit: "-1") == 64)
    #expect(order(limit: "1", isAll: true) == 64 && order(order: "age", isAll: true) == 64)
    #expect(order(order: "age", limit: "0") == 64 && order() == nil)
  }

  @Test func howTopIsDrawnFollowsTheEnvironment() throws {
    let usual = ["TERM": "xterm", "LANG": "C.UTF-8"]
    let order = try Top.Order(interval: "500ms", isOnce: false, environment: usual)
    #expect(order.isColoured && !order.isPlain && order.interval == .milliseconds(500))
    #expect(
      try !Top.Order(interval: nil, isOnce: false, environment: usual.merging(["NO_COLOR": "1"]) { $1 }).isColoured)
    #expect(try Top.Order(interval: nil, isOnce: false, environment: ["TERM": "xterm", "LANG": "C"]).isPlain)
    for wrong in ["", "1", "99ms", "61s", "2m", "x", "99999999999999999999s"] {
      #expect(throws: OperatorFailure.self) { try Top.Order(interval: wrong, isOnce: true, environment: [:]) }
    }
  }
}
