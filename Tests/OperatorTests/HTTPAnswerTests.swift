import Testing

import Operator

@Suite struct HTTPAnswerTests {
  /// The body of an answer that comes in pieces of a size.
  private func body(_ text: String, pieces: Int) throws -> (status: Int?, body: String, isComplete: Bool) {
    var answer = HTTPAnswer()
    var (bytes, found) = (Array(text.utf8)[...], [UInt8]())
    while !bytes.isEmpty {
      found += try answer.take(Array(bytes.prefix(pieces)))
      bytes = bytes.dropFirst(pieces)
    }
    return (answer.status, String(decoding: found, as: UTF8.self), answer.isComplete)
  }

  private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

  @Test(arguments: [1, 2, 3, 7, 1_000])
  func howeverItComesItsBodyIsWhole(_ pieces: Int) throws {
    let sized = try body(Self.head + "Content-Length: 5\r\n\r\nhello", pieces: pieces)
    #expect(sized == (200, "hello", true))
    let chunked = try body(
      Self.head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, world...\r\n0\r\n\r\n", pieces: pieces)
    #expect(chunked == (200, "hello, world...", true))
    let open = try body(Self.head + "\r\nhello", pieces: pieces)
    #expect(open == (200, "hello", false))
    let none = try body("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", pieces: pieces)
    #expect(none == (503, "", true))
  }

  @Test(arguments: [
    "hello\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 99 Low\r\n\r\n",
    "HTTP/1.1 200 OK\r\nnothing\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
  ])
  func whatIsStrangeIsAnError(_ text: String) {
    #expect(throws: OperatorFailure.self) { try body(text, pieces: 3) }
  }

  @Test func aHeadOrALineWithoutEndIsGivenUp() {
    #expect(throws: OperatorFailure.self) { try body(String(repeating: "a", count: 100_000), pieces: 1_000) }
    #expect(throws: OperatorFailure.self) {
      try body(
        Self.head + "Transfer-Encoding: chunked\r\n\r\n" + String(repeating: "0", count: 100_000), pieces: 1_000)
    }
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\n", head + "Content-Length: 9\r\n\r\nhello", head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
  ])
  func anAnswerThatBreaksOffIsAnError(_ text: String) throws {
    var answer = HTTPAnswer()
    _ = try answer.take(Array(text.utf8))
    #expect(throws: OperatorFailure.self) { try answer.end() }
  }
}
