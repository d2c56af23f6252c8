import JSON

/// One line of an answer to /sessions, which is an object with a session on each line between the first and the last.
enum ListingPart: Hashable {
  case begin
  /// Whether another one follows.
  case session(JSONValue, isLast: Bool)
  /// What the object has beside the sessions.
  case end([JSONValue.Member])

  private static let head = "{\"sessions\":["

  /// Reads a line.
  ///
  /// - Throws: where it is none of these. Of what is not understood nothing may be shown: a terminal might obey it.
  init(_ line: String) throws(OperatorFailure) {
    if line == Self.head {
      self = .begin
    } else if line.hasPrefix("]"), let members = (try? JSONValue(parsing: Self.head + line))?.object {
      self = .end(Array(members.dropFirst()))
    } else if let session = try? JSONValue(parsing: line.hasSuffix(",") ? line.dropLast().utf8 : line[...].utf8),
      Session(session) != nil
    {
      self = .session(session, isLast: !line.hasSuffix(","))
    } else {
      throw OperatorFailure("what listens there lists sessions strangely: is it a relay of this version?")
    }
  }

  /// The line, written anew.
  var text: String {
    switch self {
    case .begin: Self.head
    case .session(let session, let isLast): session.line + (isLast ? "" : ",")
    case .end(let members):
      "]" + JSONValue.object([.init(name: "", value: .null)] + members).line.dropFirst(#"{"":null"#.count)
    }
  }
}

/// Cuts what comes in pieces into lines.
struct LineReader {
  /// No session takes a tenth of it.
  private static let longest = 65_536

  private var rest: [UInt8] = []

  /// The lines that are whole now.
  ///
  /// - Throws: where one has no end.
  mutating func take(_ bytes: [UInt8]) throws(OperatorFailure) -> [String] {
    rest += bytes
    var lines: [String] = []
    var start = 0
    while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(String(decoding: rest[start..<end], as: UTF8.self))
      start = end + 1
    }
    rest.removeFirst(start)
    if rest.count > Self.longest { throw OperatorFailure("what listens there answers with a line without end") }
    return lines
  }
}
