public import Linux

/// What an HTTP server has answered.
public struct HTTPAnswer: Sendable, CustomStringConvertible {
  /// As in 200.
  public let status: Int
  /// By lower-case name.
  public let headers: [String: String]
  /// What comes behind the headers.
  public let body: String

  /// Reads an answer; nil when it is none.
  public init?(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n"), text.hasPrefix("HTTP/1.") else { return nil }
    let lines = text[..<end.lowerBound].split(separator: "\r\n")
    guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
    self.status = status
    let pairs = lines.dropFirst().map { $0.split(separator: ":", maxSplits: 1) }.filter { $0.count == 2 }
    headers = Dictionary(
      pairs.map { ($0[0].lowercased(), String($0[1].drop { $0 == " " })) }, uniquingKeysWith: { $1 })
    body = String(text[end.upperBound...])
  }

  /// Asks for a path.
  ///
  /// - Throws: every errno of connect(2), `TestFailure` when what comes is no answer.
  public static func get(
    _ path: String, from place: ListeningSocket.Place, in namespace: NetworkNamespace? = nil, method: String = "GET"
  ) throws -> HTTPAnswer {
    let client = try StreamClient(to: place, in: namespace)
    client.send("\(method) \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
    let bytes = client.receiveAll()
    guard let answer = HTTPAnswer(bytes) else {
      throw TestFailure("\(method) \(path) at \(place): no answer, but '\(String(decoding: bytes, as: UTF8.self))'")
    }
    return answer
  }

  /// Status and body.
  public var description: String { "\(status): \(body)" }
}

extension String {
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
