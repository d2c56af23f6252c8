/// Goes through the bytes of one answer of HTTP/1.1 (RFC 9112) as they come. What is strange about it is an error: it is of
/// our own making.
package struct HTTPAnswer {
  private enum Body {
    case sized(left: Int)
    case chunked(left: Int?)
    case untilEnd
    case ended
  }

  /// The longest head, and the longest line of a chunk's size.
  private static let headLimit = 16_384

  /// Its status code; nil until the head is whole.
  package private(set) var status: Int?
  private var unread: [UInt8] = []
  private var body = Body.untilEnd

  /// Nothing has come yet.
  package init() {}

  /// Whether nothing more belongs to it.
  package var isComplete: Bool { if case .ended = body { true } else { false } }

  /// Takes what has come.
  ///
  /// - Returns: what of it is the answer's body.
  package mutating func take(_ bytes: [UInt8]) throws(OperatorFailure) -> [UInt8] {
    unread += bytes
    if status == nil {
      guard let end = Self.place(of: Self.lineEnd + Self.lineEnd, in: unread) else {
        if unread.count > Self.headLimit { throw Self.strange }
        return []
      }
      try read(head: String(decoding: unread[..<end], as: UTF8.self))
      unread.removeFirst(end + 4)
    }
    return try takeBody()
  }

  /// The connection has ended.
  package mutating func end() throws(OperatorFailure) {
    if case .untilEnd = body, status != nil { body = .ended }
    if !isComplete { throw OperatorFailure("the relay broke off its answer; is it ending?") }
  }

  // MARK: The head

  private mutating func read(head: String) throws(OperatorFailure) {
    let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
    let words = lines[0].split(separator: " ")
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let code = Int(words[1]), (200...599).contains(code) else {
      throw Self.strange
    }
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { throw Self.strange }
      let value = line[line.index(after: colon)...].filter { $0 != " " }.lowercased()
      switch line[..<colon].lowercased() {
      case "content-length":
        guard let length = Int(value), length >= 0 else { throw Self.strange }
        body = length == 0 ? .ended : .sized(left: length)
      case "transfer-encoding":
        guard value == "chunked" else { throw Self.strange }
        body = .chunked(left: nil)
      default: continue
      }
    }
    status = code
  }

  // MARK: The body

  private mutating func takeBody() throws(OperatorFailure) -> [UInt8] {
    switch body {
    case .ended: return []
    case .untilEnd:
      defer { unread = [] }
      return unread
    case .sized(let left):
      let piece = Array(unread.prefix(left))
      unread.removeFirst(piece.count)
      body = piece.count == left ? .ended : .sized(left: left - piece.count)
      return piece
    case .chunked: return try takeChunks()
    }
  }

  private mutating func takeChunks() throws(OperatorFailure) -> [UInt8] {
    var found: [UInt8] = []
    var place = 0
    defer { unread.removeFirst(place) }
    while case .chunked(let left) = body {
      let isWhole = if let left { try takeChunk(left, at: &place, to: &found) } else { try takeSize(at: &place) }
      if !isWhole { break }
    }
    return found
  }

  /// Takes what has come of a chunk, and of its end of line, which belongs to it.
  ///
  /// - Returns: whether that was all of it.
  private mutating func takeChunk(
    _ left: Int, at place: inout Int, to found: inout [UInt8]
  ) throws(OperatorFailure) -> Bool {
    let size = min(left, unread.count - place)
    found += unread[place..<(place + size)]
    place += size
    body = .chunked(left: left - size)
    guard left == size, unread.count - place >= 2 else { return false }
    guard unread[place...].starts(with: Self.lineEnd) else { throw Self.strange }
    place += 2
    body = .chunked(left: nil)
    return true
  }

  /// Takes the line that says how large the next chunk is.
  ///
  /// - Returns: whether it has come.
  private mutating func takeSize(at place: inout Int) throws(OperatorFailure) -> Bool {
    guard let end = Self.place(of: Self.lineEnd, in: unread, from: place) else {
      if unread.count - place > Self.headLimit { throw Self.strange }
      return false
    }
    let line = String(decoding: unread[place..<end], as: UTF8.self).prefix { $0 != ";" }
    guard let size = Int(line, radix: 16), size >= 0 else { throw Self.strange }
    place = end + 2
    // What may follow the last one, a trailer, is of no use to us.
    body = size == 0 ? .ended : .chunked(left: size)
    return true
  }

  /// Where some bytes first stand, from a place on.
  private static func place(of wanted: [UInt8], in bytes: [UInt8], from start: Int = 0) -> Int? {
    var place = start
    while place + wanted.count <= bytes.count {
      if bytes[place] == wanted[0], bytes[place...].starts(with: wanted) { return place }
      place += 1
    }
    return nil
  }

  private static let lineEnd = Array("\r\n".utf8)
  private static let strange = OperatorFailure("what listens there answers strangely: is it a relay of this version?")
}
