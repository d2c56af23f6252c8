import Glibc
import Linux
import Support
import Testing

/// A line for each session that has ended.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct SessionLogTests {
  private let relay = ReloadHost.echo("dns", 5678, "responses = 2")

  /// The whole lines of a file.
  private func lines(of path: String) -> [Substring] {
    let text = ProcFile.read(path) ?? ""
    return text.split(separator: "\n").dropLast(text.hasSuffix("\n") ? 0 : 1)
  }

  @Test func eachSessionThatEndsHasOneLineWithAllItsCounts() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/sessions.log"
    let host = try ReloadHost(PairNetwork(), "session-log = '\(path)'\n" + relay, format: "text")
    var clients: [String] = []
    for number in 1...20 {
      let client = try host.client(of: "10.1.0.1:5678")
      clients.append("\(try client.localEndpoint())")
      for _ in 1...2 { #expect(try client.ask(pattern(100 + number)) != nil) }
    }
    try eventually("all are written") { lines(of: path).count >= 20 }
    let found = lines(of: path).map { $0.split(separator: " ").map(String.init) }
    try #require(found.allSatisfy { $0.count == 10 })
    #expect(found.map { $0[2] } == clients)
    for (number, line) in found.enumerated() {
      let bytes = "\(2 * (101 + number))"
      #expect(line[1] == "dns" && line[3] == "10.1.0.1:5678")
      #expect(Array(line[5...]) == ["2", bytes, "2", bytes, "responses"])
      #expect(line[0].hasSuffix("Z") && Double(line[4]) != nil)
    }
    var status = stat()
    #expect(unsafe stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
  }

  @Test func inJSONALineIsAnObject() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/sessions.log"
    let host = try ReloadHost(PairNetwork(), "session-log = '\(path)'\n" + relay)
    let client = try host.client(of: "10.1.0.1:5678")
    for _ in 1...2 { #expect(try client.ask("hello") != nil) }
    let line = try eventually("it is written") { ProcFile.read(path).flatMap { $0.hasSuffix("\n") ? $0 : nil } }
    let json = try JSON(parsing: line)
    #expect(json["relay"]?.string == "dns" && json["end"]?.string == "responses")
    #expect(try json["client"]?.string == "\(client.localEndpoint())" && json["asked"]?.string == "10.1.0.1:5678")
    #expect(json["to_client"]?["datagrams"]?.integer == 2 && json["to_backend"]?["bytes"]?.integer == 10)
  }

  @Test func aFileThatWasMovedAwayIsOpenedAnewAtAReload() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/sessions.log"
    let configuration = "session-log = '\(path)'\n" + relay
    let host = try ReloadHost(PairNetwork(), configuration)
    for name in ["one", "two"] {
      let client = try host.client(of: "10.1.0.1:5678")
      for _ in 1...2 { #expect(try client.ask("hello") != nil) }
      try eventually("it is written") { lines(of: path).count == 1 }
      #expect(unsafe rename(path, "\(folder.path)/\(name)") == 0)
      try host.reload(configuration)
    }
    #expect(lines(of: path).isEmpty)
    #expect(["one", "two"].map { lines(of: "\(folder.path)/\($0)").count } == [1, 1])
    // And nothing is written any more when nobody wants it.
    try host.reload(relay)
    let client = try host.client(of: "10.1.0.1:5678")
    for _ in 1...2 { #expect(try client.ask("hello") != nil) }
    try eventually("its session has ended") { try host.ledger(of: "dns")?.sessionsEnded == ["responses": 3] }
    try host.relay.stop()
    #expect(lines(of: path).isEmpty)
  }

  @Test func sessionsThatEndWithARelayAreLoggedUnderItsName() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/sessions.log"
    let start = "session-log = '\(path)'\n" + ReloadHost.echo("stays", 5679)
    let host = try ReloadHost(PairNetwork(), start + relay)
    for _ in 1...10 { #expect(try host.client(of: "10.1.0.1:5678").ask("hello") != nil) }
    try host.reload(start)
    try eventually("all are written") { lines(of: path).count == 10 }
    #expect(
      lines(of: path).allSatisfy { $0.contains("\"relay\":\"dns\"") && $0.hasSuffix("\"end\":\"reconfigured\"}") })
  }

  @Test func aFileThatCannotBeWrittenIsToldAtTheStartAndKeepsTheOldConfiguration() throws {
    let network = try PairNetwork()
    let wrong = "session-log = '/nowhere/sessions.log'\n"
    let answer = "cannot write the session log /nowhere/sessions.log: No such file or directory (ENOENT)"
    let host = try ReloadHost(network, relay)
    #expect(try host.reloadInVain(wrong + relay).contains(answer))
    #expect(throws: TestFailure.self) { try ReloadHost(network, wrong + ReloadHost.echo("a", 6000)) }
  }

  /// /dev/full takes nothing: then sessions go on, and what was left out is told.
  @Test func whatCannotBeWrittenIsTold() throws {
    let host = try ReloadHost(PairNetwork(), "session-log = '/dev/full'\n" + relay)
    let client = try host.client(of: "10.1.0.1:5678")
    for _ in 1...2 { #expect(try client.ask("hello") != nil) }
    try host.relay.process.waitForLine(containing: "sessions were left out of the session log")
    #expect(try client.ask("hello") != nil)
  }

  /// Also what was left out shortly after the last line that told of some.
  @Test func atTheEndNothingThatWasLeftOutIsUntold() throws {
    let host = try ReloadHost(PairNetwork(), "session-log = '/dev/full'\n" + relay)
    let client = try host.client(of: "10.1.0.1:5678")
    for number in 1...3 {
      for _ in 1...2 { #expect(try client.ask("hello") != nil) }
      try eventually("it has ended") { try host.ledger(of: "dns")?.sessionsEnded == ["responses": number] }
    }
    try host.relay.stop()
    let lines = try host.relay.process.lines(of: .error).filter { $0.contains("sessions were left out") }
      .map { try JSON(parsing: $0) }
    let told = lines.compactMap { line in line["sessions"]?.integer ?? line["sessions"]?.string.flatMap { Int($0) } }
    #expect(lines.count == told.count && told.reduce(0, +) == 3, "\(lines)")
  }
}
