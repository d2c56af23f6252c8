import JSON
import Linux
import Support
import Testing

import Operator

/// Whoever listens in a folder where users may put sockets tells what they like: it neither ends us, nor moves the terminal.
@Suite struct ImpostorTests {
  /// What a terminal would obey, as a member of JSON and as it is.
  private static let escape = "\u{1b}]52;c;aGk=\u{07}\u{9b}31m"
  private static let written = "\\u001b]52;c;aGk=\\u0007"

  /// What `sessions` shows of a process that answers with some lines.
  private func shown(_ lines: [String], isJSON: Bool) throws -> [String] {
    let folder = try TemporaryFolder()
    let fake = try FakeProcess(
      "\(folder.path)/1.sock", answer: FakeProcess.status(),
      sessions: FakeProcess.http(lines.map { $0 + "\n" }.joined()))
    defer { fake.stop() }
    let order = try SessionOrder(
      relay: nil, client: nil, asked: nil, replied: nil, order: nil, limit: nil, isAll: false)
    var shown: [String] = []
    try SessionsCommand.run(try InstanceChoice(path: fake.path, folders: []), order, isJSON: isJSON) { shown += $0 }
    return shown
  }

  private func isHarmless(_ lines: [String]) -> Bool {
    lines.joined().unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) }
  }

  @Test func sessionsAreWrittenAnew() throws {
    let session = "{ \"relay\":\"\(Self.written)\",\"client\":\"\(Self.written)\",\"asked\":\"\u{9b}31m\"}"
    let json = try shown(["{\"sessions\":[", session + ",", session, "],\"matching\":2}"], isJSON: true)
    #expect(isHarmless(json) && json.count == 4)
    let parsed = try JSONValue(parsing: json.joined(separator: "\n"))
    #expect(parsed["sessions"]?.array?.count == 2 && parsed["matching"]?.integer == 2)
    #expect(json[1].hasPrefix("{\"relay\":\"\\u001b]52"))
    let text = try shown(["{\"sessions\":[", session, "],\"matching\":1}"], isJSON: false)
    #expect(isHarmless(text) && text.count == 2 && text[1].contains("\\x1b]52"))
  }

  @Test(arguments: [
    escape, "{\"sessions\":[" + escape, "]" + escape, "{\"relay\":\"\(escape)\"},", "{}", "[1]", "],\"\(escape)\":1}",
  ])
  func whatIsNoSessionIsNotShown(_ line: String) throws {
    for isJSON in [true, false] {
      #expect(throws: OperatorFailure.self) { try shown(["{\"sessions\":[", line], isJSON: isJSON) }
    }
  }

  @Test func aLineWithoutEndIsGivenUp() throws {
    #expect(throws: OperatorFailure.self) { try shown([String(repeating: " ", count: 100_000)], isJSON: true) }
  }

  @Test func numbersThatNothingCanHoldEndNobody() throws {
    let flow = "{\"datagrams\":\(Int.max),\"bytes\":\(Int.min)}"
    let listener =
      "{\"address\":\"192.0.2.1\",\"port\":\(Int.max),\"state\":\"up\",\"to_backend\":\(flow),\"to_client\":\(flow),"
      + "\"receive_queue_drops\":\(Int.max)}"
    let counts = "{\"a\":\(Int.max),\"b\":\(Int.min),\"c\":\(Int.max),\"d\":1e300}"
    let relay =
      "{\"name\":\"dns\",\"sessions\":\(Int.min),\"sessions_created\":\(Int.max),\"sessions_ended\":\(counts),"
      + "\"dropped\":\(counts),\"send_errors\":{\"to_client\":\(counts)},\"upstream_queue_drops\":\(Int.max),"
      + "\"listeners\":[\(listener),\(listener)]}"
    let status = try #require(
      Status(
        JSONValue(
          parsing: "{\"version\":\"1\",\"pid\":1,\"state\":\"healthy\",\"uptime\":\(Int.max),\"relays\":[\(relay)]}")))
    #expect(StatusText(status: status).lines.contains { $0.contains("9,223,372,036,854,775,807 datagrams") })
    var state = TopState()
    let busy = try ViewTests.session("192.0.2.9:1", 1, age: 1e300)
    for time in 1...3 {
      let now = try time == 2 ? ViewTests.status() : status
      state.take(TopState.Look(status: now, sessions: [busy], time: Instant(nanoseconds: UInt64(time))))
    }
    let style = TopView.Style(isColoured: false, isPlain: false, interval: .seconds(1))
    #expect(!TopView(state: state, size: Terminal.Size(columns: 80, rows: 24), style: style).lines.isEmpty)
    #expect(Quantity.brief(seconds: 1e300).hasSuffix("h") && Quantity.short(1e300).hasSuffix("P"))
  }

  /// The kernel tells whose number it is.
  @Test func aNumberThatIsAnotherProcessesIsNotBelieved() throws {
    let folder = try TemporaryFolder()
    let fake = try FakeProcess("\(folder.path)/1.sock", answer: FakeProcess.status(pid: 1))
    defer { fake.stop() }
    let answer = try StatusCommand.run(try InstanceChoice(folders: [folder.path]), isJSON: true)
    let json = try JSONValue(parsing: answer.lines.joined(separator: "\n"))
    #expect(json.array?.first?["pid"]?.integer == Int(ProcessIdentity.own))
    #expect(throws: OperatorFailure.self) {
      try StatusCommand.run(try InstanceChoice(pid: "1", folders: [folder.path]), isJSON: true)
    }
  }
}
