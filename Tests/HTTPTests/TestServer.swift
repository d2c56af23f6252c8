import EventLoop
import HTTP
import Linux
import Support

/// A server with a thread of its own.
final class TestServer: @unchecked Sendable {
  /// Of /large.
  static let largeBody = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 % 251) }

  let place: ListeningSocket.Place
  private let loop: Loop
  private let server: Server
  private let wakeup: Wakeup
  private var thread: Thread?

  init(_ socket: ListeningSocket, _ limits: Limits = Limits()) throws {
    let loop = try Loop()
    self.loop = loop
    place = socket.place
    server = try Server(
      loop, on: socket, limits,
      routes: [
        "/hello": { _ in Response(text: "hello") },
        "/large": { _ in Response(contentType: "application/octet-stream", body: Self.largeBody) },
        "/query": { request in
          Response(
            text: request.query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ";"))
        },
        "/pieces": { _ in Response(contentType: "text/plain", pieces: TestServer.pieces(loop)) },
        "/at-once": { _ in Response(contentType: "text/plain", pieces: Self.piecesAtOnce()) },
        "/never": { _ in Response(contentType: "text/plain", pieces: Pieces { _ in }) },
        "/empty": { _ in Response(.serviceUnavailable, contentType: "text/plain", body: []) },
      ],
      changes: ["/change": { Response(text: "changed to \($0.query["to"] ?? "nothing")") }])
    wakeup = try Wakeup(loop) { loop.stop() }
    thread = try Thread(named: "server") { [self] in
      self.loop.run()
      self.server.close()
      self.loop.closeAll()
    }
  }

  /// How many pieces /pieces and /at-once have.
  static let pieceCount = 50

  /// Each comes a moment after it was asked for.
  private static func pieces(_ loop: Loop) -> Pieces {
    var number = 0
    var timer: Timer?
    return Pieces { give in
      number += 1
      let piece = number > pieceCount ? nil : Array("piece \(number)\n".utf8)
      timer?.close()
      timer = try? Timer(loop) { give(piece) }
      timer?.start(after: .milliseconds(1))
    }
  }

  private static func piecesAtOnce() -> Pieces {
    var number = 0
    return Pieces { give in
      number += 1
      // Empty ones are no end.
      give(number > pieceCount ? nil : number.isMultiple(of: 7) ? [] : Array("piece \(number)\n".utf8))
    }
  }

  convenience init(_ limits: Limits = Limits()) throws {
    try self.init(try ListeningSocket(on: Endpoint(.loopbackIPv4, 0)), limits)
  }

  /// Must be called.
  func stop() {
    wakeup.send()
    thread?.join()
    thread = nil
  }

  func get(_ path: String, method: String = "GET") throws -> HTTPAnswer {
    try HTTPAnswer.get(path, from: place, method: method)
  }
}
