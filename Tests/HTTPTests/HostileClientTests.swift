import Glibc
import HTTP
import Linux
import Support
import Testing

/// What clients get that want to do harm.
struct HostileClientTests {
  static var strict: Limits {
    var limits = Limits()
    limits.connections = 8
    limits.connectionsPerAddress = 4
    limits.patience = .seconds(1)
    limits.lifetime = .seconds(2)
    return limits
  }

  @Test(arguments: ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get"])
  func otherMethodsAreRefused(_ method: String) throws {
    let server = try TestServer()
    defer { server.stop() }
    let answer = try server.get("/hello", method: method)
    #expect(answer.status == 405)
    #expect(answer.headers["allow"] == "GET, HEAD")
  }

  /// The answer may be lost to a client that goes on sending; it never waits for what it announced.
  @Test(arguments: ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"])
  func aBodyIsRefusedBeforeItComes(_ method: String) throws {
    let server = try TestServer()
    defer { server.stop() }
    for framing in [
      "Content-Length: 1000000000", "Transfer-Encoding: chunked", "Expect: 100-continue\r\nContent-Length: 9",
    ] {
      let client = try StreamClient(to: server.place)
      client.send("\(method) /hello HTTP/1.1\r\nHost: x\r\n\(framing)\r\n\r\n")
      let asked = Instant.now
      let answer = HTTPAnswer(client.receiveAll())
      #expect(Instant.now - asked < Limits().patience, "the connection is closed at once")
      #expect(answer?.status == (["GET", "HEAD"].contains(method) ? 413 : 405), "\(framing)")
    }
    #expect(try server.get("/hello").status == 200)
  }

  /// Nothing but the end of the others rings for whoever has been waiting.
  @Test func whereEveryConnectionWasTakenOthersAreLetInAgain() throws {
    var limits = Self.strict
    limits.connections = 4
    limits.connectionsPerAddress = 8
    let server = try TestServer(limits)
    defer { server.stop() }
    let silent = try (1...4).map { _ in try StreamClient(to: server.place) }
    let waiting = try StreamClient(to: server.place)
    waiting.send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    #expect(HTTPAnswer(waiting.receiveAll())?.status == 200)
    for client in silent { #expect(client.isClosed(within: .seconds(5))) }
  }

  @Test func whoeverSendsAGigabyteIsCutOff() throws {
    let server = try TestServer()
    defer { server.stop() }
    let before = residentBytes()
    let client = try StreamClient(to: server.place)
    client.send("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
    let piece = [UInt8](repeating: 120, count: 1 << 20)
    var sent = 0
    while sent < 1000, client.send(piece) { sent += 1 }
    #expect(sent < 1000)
    #expect(residentBytes() - before < 16 << 20)
    #expect(try server.get("/hello").status == 200)
  }

  @Test(arguments: [
    "", "\r\n\r\n", "GET", "GET /hello", "GET /hello HTTP/9.9\r\n\r\n", "GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /hello HTTP/1.1\r\n\r\n", "GET hello HTTP/1.1\r\nHost: x\r\n\r\n", "\0\0\0\0\r\n\r\n",
    "GET /hello HTTP/1.1\r\nHost x\r\n\r\n", "GET /hello HTTP/1.1\nHost: x\n\n",
    "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "GET /%zz%%%1 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /\u{e9}\u{202e} HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /query?%00=%ff&&&=== HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /hello HTTP/1.1\r\nHost: x\r\n folded\r\n\tmore\r\n\r\n",
  ])
  func whateverComesTheServerGoesOn(_ text: String) throws {
    let server = try TestServer(Self.strict)
    defer { server.stop() }
    let client = try StreamClient(to: server.place)
    client.send(text)
    client.finish()
    #expect(client.isClosed(within: .seconds(10)))
    #expect(try server.get("/hello").status == 200)
  }

  @Test func headersWithoutEndAreRefused() throws {
    let server = try TestServer()
    defer { server.stop() }
    for line in [String(repeating: "a", count: 1000), "X: " + String(repeating: "a", count: 1000) + "\r\n"] {
      let client = try StreamClient(to: server.place)
      client.send("GET /hello HTTP/1.1\r\nHost: x\r\n")
      var lines = 0
      while lines < 10_000, client.send(line) { lines += 1 }
      #expect(lines < 10_000)
    }
    #expect(try server.get("/hello").status == 200)
  }

  @Test func whoeverSendsNothingIsClosed() throws {
    let server = try TestServer(Self.strict)
    defer { server.stop() }
    let began = Instant.now
    let client = try StreamClient(to: server.place)
    #expect(client.isClosed(within: .seconds(10)))
    #expect(Instant.now - began >= .milliseconds(900))
  }

  /// A byte now and then is progress: only the end of its time ends such a client.
  @Test func whoeverSendsByteByByteIsClosed() throws {
    let server = try TestServer(Self.strict)
    defer { server.stop() }
    let began = Instant.now
    let client = try StreamClient(to: server.place)
    client.send("GET /hello HTTP/1.1\r\nX: ")
    while !client.isClosed(within: .milliseconds(200)), Instant.now - began < .seconds(20) { client.send("a") }
    #expect(Instant.now - began >= .milliseconds(1_900))
    #expect(Instant.now - began < .seconds(20))
  }

  @Test func whoeverDoesNotReadItsAnswerIsClosed() throws {
    let folder = try TemporaryFolder()
    let server = try TestServer(try ListeningSocket(at: "\(folder.path)/test.sock", mode: 0o600), Self.strict)
    defer { server.stop() }
    let client = try StreamClient(to: server.place)
    client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    try eventually("it is closed", within: .seconds(20)) { client.hasHungUp }
    #expect(client.receiveAll().count < TestServer.largeBody.count)
    #expect(try server.get("/hello").status == 200)
  }

  @Test func oneAddressLeavesRoomForOthers() throws {
    let server = try TestServer(try ListeningSocket(on: Endpoint(.anyIPv4, 0)), Self.strict)
    defer { server.stop() }
    guard case .network(let endpoint) = server.place else { throw TestFailure("\(server.place) has no port") }
    let theirs = ListeningSocket.Place.network(Endpoint(.loopbackIPv4, endpoint.port))
    let clients = try (0..<8).map { _ in try StreamClient(to: theirs) }
    // Four are let in and wait; the others are closed at once.
    try eventually { clients.filter { $0.isClosed(within: .zero) }.count >= 4 }
    let other = try StreamClient(to: theirs, from: IPAddress(v4: 0x7f00_0002))
    other.send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    #expect(HTTPAnswer(other.receiveAll())?.status == 200)
    withExtendedLifetime(clients) {}
  }

  @Test func answersUnderWayAreLimited() throws {
    var limits = Limits()
    limits.bytesUnderWay = TestServer.largeBody.count + 1000
    let server = try TestServer(limits)
    defer { server.stop() }
    do {
      let slow = try StreamClient(to: server.place, receiveBuffer: 4096)
      slow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(!slow.receive(atMost: 1).isEmpty)
      #expect(try server.get("/large").status == 503)
      #expect(try server.get("/hello").status == 200)
    }
    try eventually { try server.get("/large").status == 200 }
  }

  private func residentBytes() -> Int {
    let pages = ProcFile.read("/proc/self/statm")?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return (pages ?? 0) * sysconf(Int32(_SC_PAGESIZE))
  }
}
