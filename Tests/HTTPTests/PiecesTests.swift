import HTTP
import Linux
import Support
import Testing

/// Answers that come in pieces, and requests that change something.
struct PiecesTests {
  /// HTTP/1.0, so that the body is not in chunks.
  private func body(_ path: String, of server: TestServer) throws -> [Substring] {
    let client = try StreamClient(to: server.place)
    client.send("GET \(path) HTTP/1.0\r\n\r\n")
    let answer = try #require(HTTPAnswer(client.receiveAll()))
    #expect(answer.status == 200)
    return answer.body.split(separator: "\n")
  }

  @Test func everyPieceComesInOrder() throws {
    let server = try TestServer()
    defer { server.stop() }
    let numbers = 1...TestServer.pieceCount
    #expect(try body("/pieces", of: server) == numbers.map { "piece \($0)" })
    #expect(try body("/at-once", of: server) == numbers.filter { !$0.isMultiple(of: 7) }.map { "piece \($0)" })
    let chunked = try server.get("/pieces")
    #expect(chunked.headers["transfer-encoding"] == "chunked" && chunked.body.contains("piece 50"))
  }

  @Test func manyAtOnceGetTheirOwn() throws {
    let server = try TestServer()
    defer { server.stop() }
    let clients = try (0..<8).map { _ in try StreamClient(to: server.place) }
    for client in clients { client.send("GET /pieces HTTP/1.0\r\n\r\n") }
    for client in clients {
      #expect(HTTPAnswer(client.receiveAll())?.body.split(separator: "\n").count == TestServer.pieceCount)
    }
  }

  /// A piece that never comes keeps nobody else from an answer, and the server from no end.
  @Test func aPieceThatNeverComesHoldsUpNobody() throws {
    let server = try TestServer()
    let waiting = try StreamClient(to: server.place)
    waiting.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(!waiting.receive(atMost: 12).isEmpty)
    #expect(try server.get("/hello").status == 200)
    server.stop()
    #expect(waiting.isClosed(within: .seconds(10)))
  }

  @Test func whoeverGoesAwayMeanwhileLeavesTheServerAsItWas() throws {
    let server = try TestServer()
    defer { server.stop() }
    for _ in 0..<100 {
      let client = try StreamClient(to: server.place)
      client.send("GET /pieces HTTP/1.1\r\nHost: x\r\n\r\n")
      _ = client.receive(atMost: 5)
    }
    #expect(try body("/pieces", of: server).count == TestServer.pieceCount)
  }

  @Test func onlyPutChangesSomething() throws {
    let server = try TestServer()
    defer { server.stop() }
    let changed = try server.get("/change?to=x", method: "PUT")
    #expect(changed.status == 200 && changed.body == "changed to x\n")
    let asked = try server.get("/change?to=x")
    #expect(asked.status == 405 && asked.headers["allow"] == "PUT")
    #expect(try server.get("/hello", method: "PUT").status == 405)
    let client = try StreamClient(to: server.place)
    client.send("PUT /change HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
    #expect(HTTPAnswer(client.receiveAll())?.status == 413)
  }
}
