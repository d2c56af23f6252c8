import Glibc
import HTTP
import Linux
import Support
import Testing

/// What well-behaved clients are answered.
struct ServerTests {
  @Test func aPathIsAnsweredByWhoeverAnswersIt() throws {
    let server = try TestServer()
    defer { server.stop() }
    let answer = try server.get("/hello")
    #expect(answer.status == 200)
    #expect(answer.body == "hello\n")
    #expect(answer.headers["content-type"] == "text/plain; charset=utf-8")
    #expect(answer.headers["content-length"] == "6")
    #expect(answer.headers["connection"]?.lowercased() == "close")
  }

  @Test func theHeadAloneIsSentToWhoeverAsksForIt() throws {
    let server = try TestServer()
    defer { server.stop() }
    let answer = try server.get("/hello", method: "HEAD")
    #expect(answer.status == 200)
    #expect(answer.headers["content-length"] == "6")
    #expect(answer.body.isEmpty)
  }

  @Test func anUnknownPathIsAnsweredWithWhatThereIs() throws {
    let server = try TestServer()
    defer { server.stop() }
    for path in ["/", "/hello/", "/Hello", "//hello", "/../hello"] {
      let answer = try server.get(path)
      #expect(answer.status == 404, "\(path)")
      #expect(
        answer.body
          == "there is nothing here; there is /at-once, /empty, /hello, /large, /never, /pieces, /query\n")
    }
  }

  @Test func theQueryIsReadWrittenOut() throws {
    let server = try TestServer()
    defer { server.stop() }
    #expect(try server.get("/query?b=2&a=x%20y&c").body == "a=x y;b=2;c=\n")
    #expect(try server.get("/query").body == "\n")
    #expect(try server.get("/hell%6f").body == "hello\n")
  }

  @Test func anEmptyBodyIsNoBody() throws {
    let server = try TestServer()
    defer { server.stop() }
    let answer = try server.get("/empty")
    #expect(answer.status == 503)
    #expect(answer.headers["content-length"] == "0")
    #expect(answer.body.isEmpty)
  }

  @Test func aLargeAnswerArrivesWhole() throws {
    let server = try TestServer()
    defer { server.stop() }
    let client = try StreamClient(to: server.place)
    client.send("GET /large HTTP/1.0\r\n\r\n")
    let bytes = client.receiveAll()
    #expect(bytes.suffix(TestServer.largeBody.count).elementsEqual(TestServer.largeBody))
  }

  @Test func aClientOfIPv6IsAnswered() throws {
    let server = try TestServer(try ListeningSocket(on: Endpoint(IPAddress("::1")!, 0)))
    defer { server.stop() }
    #expect(try server.get("/hello").body == "hello\n")
  }

  @Test func manyAskAtOnce() throws {
    var limits = Limits()
    limits.connectionsPerAddress = 64
    let server = try TestServer(limits)
    defer { server.stop() }
    for _ in 0..<40 {
      let clients = try (0..<20).map { _ in try StreamClient(to: server.place) }
      for client in clients { client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n") }
      for client in clients { #expect(HTTPAnswer(client.receiveAll())?.body == "hello\n") }
    }
  }
}
