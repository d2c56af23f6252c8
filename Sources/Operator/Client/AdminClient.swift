import JSON
package import Linux

/// Asks one process by its admin socket, a connection a question.
package struct AdminClient {
  /// A process answers within milliseconds; one that is stopped, never.
  package static let patience = Nanoseconds.seconds(5)
  /// The most that an answer may be that is kept whole.
  private static let answerLimit = 64 << 20
  /// The most that is kept of why something is refused.
  private static let complaintLimit = 4_096

  /// What is asked.
  enum Method: String {
    case get = "GET"
    case put = "PUT"
  }

  /// Where the socket is.
  package let path: String

  /// What comes of a question.
  struct Answer {
    /// As in 200.
    let status: Int
    /// The process that answered; nil where our PID namespace does not know it.
    let process: Int?
  }

  /// Asks, and hands on the answer's body as it comes.
  ///
  /// - Parameter limit: how long all of it may take.
  /// - Returns: the process that answered; nil where our PID namespace does not know it.
  @discardableResult
  func ask(
    _ method: Method, _ target: String, within limit: Nanoseconds = patience,
    _ take: ([UInt8]) throws(OperatorFailure) -> Void
  ) throws(OperatorFailure) -> Int? {
    var complaint: [UInt8] = []
    let answer = try exchange(method, target, within: limit) { status, bytes throws(OperatorFailure) in
      if status == 200 {
        try take(bytes)
      } else if complaint.count < Self.complaintLimit {
        complaint += bytes
      }
    }
    if answer.status != 200 { throw refusal(answer.status, complaint) }
    return answer.process
  }

  /// Asks, and reads the whole answer.
  func value(_ method: Method, _ target: String) throws(OperatorFailure) -> (json: JSONValue, process: Int?) {
    var body: [UInt8] = []
    let process = try ask(method, target) { bytes throws(OperatorFailure) in
      body += bytes
      if body.count > Self.answerLimit { throw OperatorFailure("the answer of \(path) is too long") }
    }
    do throws(JSONError) { return (try JSONValue(parsing: body), process) } catch {
      throw OperatorFailure("the answer of \(path) is no JSON: \(error)")
    }
  }

  /// Asks for a word, be it the one that was hoped for (200) or not.
  func word(_ target: String, within limit: Nanoseconds) throws(OperatorFailure) -> (status: Int, text: String) {
    var body: [UInt8] = []
    let answer = try exchange(.get, target, within: limit) { _, bytes in
      if body.count < Self.complaintLimit { body += bytes }
    }
    if ![200, 503].contains(answer.status) { throw refusal(answer.status, body) }
    return (answer.status, Self.firstLine(body) ?? "")
  }

  private func exchange(
    _ method: Method, _ target: String, within limit: Nanoseconds,
    _ take: (Int, [UInt8]) throws(OperatorFailure) -> Void
  ) throws(OperatorFailure) -> Answer {
    var answer = HTTPAnswer()
    let line = try AdminLine(to: path, within: limit)
    let request = "\(method.rawValue) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try line.write(Array(request.utf8))
    while !answer.isComplete {
      let bytes = try line.read()
      if bytes.isEmpty {
        try answer.end()
        break
      }
      let body = try answer.take(bytes)
      if let status = answer.status, !body.isEmpty { try take(status, body) }
    }
    return Answer(status: answer.status ?? 200, process: line.process)
  }

  private func refusal(_ status: Int, _ complaint: [UInt8]) -> OperatorFailure {
    if let told = (try? JSONValue(parsing: complaint))?["error"]?.string {
      return OperatorFailure(told, exitCode: status == 400 ? 64 : 1)
    }
    // Whoever answers for metrics alone knows none of our questions.
    if status == 404 {
      return OperatorFailure(
        "\(path) is not the admin socket of a relay, perhaps its socket for metrics; see: multihomed status")
    }
    return OperatorFailure(Self.firstLine(complaint) ?? "the relay refuses to answer (\(status))")
  }

  private static func firstLine(_ bytes: [UInt8]) -> String? {
    String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init)
  }
}
