import Glibc
import Linux
import Support
import Testing

/// Which sessions there are, as a relay that runs says itself.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct AdminSessionTests {
  @Test func exactlyTheSessionsThatThereAreAreListedWithAllTheirCounts() throws {
    let host = try AdminHost(AdminHost.two)
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
    let host = try AdminHost(AdminHost.two)
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
}
