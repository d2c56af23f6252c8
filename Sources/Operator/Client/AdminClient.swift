import JSON
import Linux

/// Asks one process by its admin socket, a connection a question.
package struct AdminClient {
  /// A process answers within milliseconds; one that is stopped, never.
  static let patience = Nanoseconds.seconds(5)
  /// The most that an answer may be that is kept whole.
  private static let answerLimit = 64 << 20

  /// What is asked.
  enum Method: String {
    case get = "GET"
    case put = "PUT"
  }

  /// Where the socket is.
  package let path: String

  /// Asks, and hands on the answer's body as it comes.
  ///
  /// - Parameter limit: how long all of it may take.
  func ask(
    _ method: Method, _ target: String, within limit: Nanoseconds = patience,
    _ take: ([UInt8]) throws(OperatorFailure) -> Void
  ) throws(OperatorFailure) {
    var answer = HTTPAnswer()
    var complaint: [UInt8] = []
    let connection = try connect(within: limit)
    let request = "\(method.rawValue) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try told { () throws(Errno) in try connection.write(Array(request.utf8)) }
    while !answer.isComplete {
      let bytes = try told { () throws(Errno) in try connection.read() }
      if bytes.isEmpty {
        try answer.end()
        break
      }
      let body = try answer.take(bytes)
      if answer.status == 200 {
        if !body.isEmpty { try take(body) }
      } else if complaint.count < 4_096 {
        complaint += body
      }
    }
    if let status = answer.status, status != 200 { throw refusal(status, complaint) }
  }

  /// Asks, and reads the whole answer.
  func value(_ method: Method, _ target: String) throws(OperatorFailure) -> JSONValue {
    var body: [UInt8] = []
    try ask(method, target) { bytes throws(OperatorFailure) in
      body += bytes
      if body.count > Self.answerLimit { throw OperatorFailure("the answer of \(path) is too long") }
    }
    do throws(JSONError) { return try JSONValue(parsing: body) } catch {
      throw OperatorFailure("the answer of \(path) is no JSON: \(error)")
    }
  }

  /// Why nobody was reached.
  enum Obstacle: Hashable {
    /// Nobody listens there any more.
    case dead
    /// It belongs to somebody else.
    case forbidden
    /// Anything else.
    case other(Errno)
  }

  /// Whether somebody listens; nil when somebody does.
  func obstacle() -> Obstacle? {
    do throws(Errno) {
      _ = try UnixConnection(to: path, within: Self.patience)
      return nil
    } catch .connectionRefused {
      return .dead
    } catch .accessDenied {
      return .forbidden
    } catch {
      return .other(error)
    }
  }

  private func connect(within limit: Nanoseconds) throws(OperatorFailure) -> UnixConnection {
    try told { () throws(Errno) in try UnixConnection(to: path, within: limit) }
  }

  /// What the kernel refuses, in words.
  private func told<Value>(_ body: () throws(Errno) -> Value) throws(OperatorFailure) -> Value {
    do throws(Errno) { return try body() } catch { throw failure(error) }
  }

  private func failure(_ error: Errno) -> OperatorFailure {
    switch error {
    case .connectionRefused: OperatorFailure("no relay listens on \(path) any more; it was left behind, remove it")
    case .accessDenied: OperatorFailure.forbidden(path)
    case .notFound: OperatorFailure("there is no \(path); is the relay running? see: multihomed status")
    case .timedOut: OperatorFailure("the relay at \(path) does not answer; is it stopped, or very busy?")
    default: OperatorFailure("cannot ask \(path): \(error)")
    }
  }

  private func refusal(_ status: Int, _ complaint: [UInt8]) -> OperatorFailure {
    let text = String(decoding: complaint, as: UTF8.self)
    let told =
      (try? JSONValue(parsing: complaint))?["error"]?.string
      ?? text.split(whereSeparator: \.isNewline).first
      .map(String.init)
    return OperatorFailure(told ?? "the relay refuses to answer (\(status))", exitCode: status == 400 ? 64 : 1)
  }
}

extension OperatorFailure {
  /// The socket is another user's.
  static func forbidden(_ path: String) -> OperatorFailure {
    let owner = (try? FileOwner(path))?.userName
    let who = owner.map { "it belongs to \($0); try: sudo \($0 == "root" ? "" : "-u \($0) ")multihomed …" }
    return OperatorFailure("no right to ask \(path): \(who ?? "try it with sudo")")
  }
}
