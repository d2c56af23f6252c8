import JSON
import Linux

/// What `sessions` has to say.
public enum SessionsCommand {
  /// A million sessions take their time.
  private static let patience = Nanoseconds.seconds(600)
  /// Rows are put into columns in so large pieces where there may be a million.
  private static let piece = 1_000

  /// Asks the one process that is meant, and shows what comes, piece by piece where it is much.
  ///
  /// - Parameter show: writes some lines.
  public static func run(
    _ choice: InstanceChoice, _ order: SessionOrder, isJSON: Bool, show: ([String]) throws(OperatorFailure) -> Void
  ) throws(OperatorFailure) {
    let client = try choice.one().client
    var lines = LineReader()
    var rows: [[String]] = []
    var isFirst = true
    var tail = SessionTail()
    func flush() throws(OperatorFailure) {
      let head = isFirst ? [Session.head] : []
      if !isJSON, !rows.isEmpty || isFirst {
        try show(Columns.lines(head + rows, right: Session.numbers))
      }
      (rows, isFirst) = ([], false)
    }
    try client.ask(.get, order.target, within: patience) { bytes throws(OperatorFailure) in
      let found = lines.take(bytes)
      if isJSON {
        if !found.isEmpty { try show(found) }
        return
      }
      for line in found {
        if let session = tail.session(line) { rows.append(session.columns) }
        if order.isAll, rows.count >= piece { try flush() }
      }
    }
    if isJSON { return }
    try flush()
    if let note = tail.note { try show([note]) }
  }
}

/// What an answer to /sessions holds, line by line: an object with a session on each line between the first and the last.
struct SessionTail {
  private var shown = 0
  private var matching: Int?

  /// The session of a line; nil where it is the first or the last.
  mutating func session(_ line: String) -> Session? {
    if line.hasPrefix("]") {
      // `],"matching":12}`
      let end = try? JSONValue(parsing: "{\"sessions\":[" + line)
      matching = end?["matching"]?.integer
      return nil
    }
    let text = line.hasSuffix(",") ? line.dropLast() : line[...]
    guard text.hasPrefix("{\"relay\""), let json = try? JSONValue(parsing: text.utf8), let session = Session(json)
    else {
      return nil
    }
    shown += 1
    return session
  }

  /// What is left out; nil where that is nothing.
  var note: String? {
    guard let matching else { return "the list is not complete: the relay broke it off" }
    return matching > shown
      ? "\(Quantity.grouped(shown)) of \(Quantity.grouped(matching)) sessions; --limit N or --all shows more" : nil
  }
}

/// Cuts what comes in pieces into lines.
struct LineReader {
  private var rest: [UInt8] = []

  /// The lines that are whole now.
  mutating func take(_ bytes: [UInt8]) -> [String] {
    rest += bytes
    var lines: [String] = []
    var start = 0
    while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(String(decoding: rest[start..<end], as: UTF8.self))
      start = end + 1
    }
    rest.removeFirst(start)
    return lines
  }
}
