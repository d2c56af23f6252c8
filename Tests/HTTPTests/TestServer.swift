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
        "/empty": { _ in Response(.serviceUnavailable, contentType: "text/plain", body: []) },
      ])
    wakeup = try Wakeup(loop) { loop.stop() }
    thread = try Thread(named: "server") { [self] in
      self.loop.run()
      self.server.close()
      self.loop.closeAll()
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
