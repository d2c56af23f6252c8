import Glibc
import Linux
import Support

/// Answers each connection with some bytes; or with nothing, and goes on listening.
final class FakeProcess: @unchecked Sendable {
  let path: String
  private let listening: ListeningSocket
  private let thread: Linux.Thread
  private let isEnding = Monitor(false)

  /// - Parameter sessions: what is answered to /sessions, where that is something else.
  init(_ path: String, answer: String?, sessions: String? = nil) throws {
    self.path = path
    let listening = try ListeningSocket(at: path, mode: 0o600)
    self.listening = listening
    thread = try Linux.Thread(named: "fake") { [isEnding] in
      while !isEnding.with({ $0 }) {
        guard (try? listening.socket.waitUntilReadable(within: .milliseconds(20))) == true else { continue }
        let client = accept(listening.socket.descriptor, nil, nil)
        guard client >= 0, let answer else { continue }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe read(client, &bytes, bytes.count)
        if count > 0 {
          let isOfSessions = bytes.starts(with: Array("GET /sessions".utf8))
          let text = isOfSessions ? sessions ?? answer : answer
          _ = unsafe send(client, text, text.utf8.count, Int32(MSG_NOSIGNAL))
        }
        close(client)
      }
    }
  }

  func stop() {
    isEnding.with { $0 = true }
    thread.join()
    listening.close()
  }
}

extension FakeProcess {
  /// An answer of HTTP.
  static func http(_ body: String, status: String = "200 OK") -> String {
    "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  /// What a process tells of itself.
  static func status(pid: Int = 1, relays: String = "[]") -> String {
    http("{\"version\":\"1\",\"pid\":\(pid),\"state\":\"healthy\",\"relays\":\(relays)}")
  }
}

extension UnixAddress {
  func bind(_ descriptor: Int32) throws {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.bind(descriptor, $0, size) }
    }
    if result < 0 { throw Errno(errno) }
  }
}
