import CTOML

/// What makes a text no TOML document.
public struct TOMLSyntaxError: Error, Hashable, Sendable {
  /// On one line.
  public let message: String
  /// Where it was noticed.
  public let place: TOMLPlace

  init(message: String, place: TOMLPlace) {
    self.message = message
    self.place = place
  }

  /// What is most often behind the parser's words, which name only what it stumbled over.
  private static let causes = [
    "could not determine value type": "a string stands in quotes",
    "unescaped control characters": "is the closing quote missing?",
    "saw '\\n'": "is the line complete?",
  ]

  init(parserSays text: String, at place: TOMLPlace) {
    let words = text.hasPrefix("Error ") ? text.dropFirst(6) : text[...]
    let cause = Self.causes.first { words.contains($0.key) }.map { "; \($0.value)" } ?? ""
    self.init(message: "not TOML: \(words)\(cause)", place: place)
  }
}

/// Reads TOML 1.0 (toml.io).
public enum TOMLDocument {
  /// Reads a document.
  ///
  /// - Returns: its table, as a value.
  /// - Throws: the first mistake in it.
  public static func read(_ bytes: [UInt8]) throws(TOMLSyntaxError) -> TOMLValue {
    let read = unsafe bytes.withUnsafeBytes { unsafe mh_toml_read($0.baseAddress, $0.count) }
    guard let document = unsafe read else { throw TOMLSyntaxError(message: "out of memory", place: .start) }
    defer { unsafe mh_toml_free(document) }
    var place = mh_toml_place()
    if let message = unsafe mh_toml_error(document, &place) {
      let known = place.line > 0 ? TOMLPlace(place) : TOMLPlace(line: firstBadLine(of: bytes), column: 1)
      throw TOMLSyntaxError(parserSays: unsafe String(cString: message), at: known)
    }
    var count = 0
    let values = unsafe UnsafeBufferPointer(start: mh_toml_values(document, &count), count: count)
    var next = 0
    return unsafe value(at: &next, of: values)
  }

  /// The line that the parser cannot get past, though it does not know which: every text that holds it has the same mistake,
  /// and no text that ends before it.
  private static func firstBadLine(of bytes: [UInt8]) -> Int {
    let ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") } + [bytes.count]
    var (low, high) = (0, ends.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if isBewildering(bytes[..<ends[middle]]) { high = middle } else { low = middle + 1 }
    }
    return low + 1
  }

  private static func isBewildering(_ bytes: ArraySlice<UInt8>) -> Bool {
    let read = unsafe bytes.withUnsafeBytes { unsafe mh_toml_read($0.baseAddress, $0.count) }
    guard let document = unsafe read else { return false }
    defer { unsafe mh_toml_free(document) }
    var place = mh_toml_place()
    return unsafe mh_toml_error(document, &place) != nil && place.line == 0
  }

  /// The value at a place of the list, with its own; afterwards the place is behind them.
  private static func value(at next: inout Int, of values: UnsafeBufferPointer<mh_toml_value>) -> TOMLValue {
    let found = unsafe values[next]
    next += 1
    let kind: TOMLValue.Kind
    switch unsafe found.kind {
    case MH_TOML_TABLE: kind = .table(unsafe entries(count: found.count, at: &next, of: values))
    case MH_TOML_ARRAY: kind = .array(unsafe (0..<found.count).map { _ in unsafe value(at: &next, of: values) })
    case MH_TOML_STRING: kind = .string(unsafe text(found.text, found.text_length))
    case MH_TOML_INTEGER: kind = .integer(unsafe found.number)
    case MH_TOML_BOOLEAN: kind = .boolean(unsafe found.number != 0)
    case MH_TOML_FLOAT: kind = .float
    default: kind = .time
    }
    return TOMLValue(kind, at: TOMLPlace(unsafe found.place))
  }

  private static func entries(
    count: Int, at next: inout Int, of values: UnsafeBufferPointer<mh_toml_value>
  ) -> [TOMLEntry] {
    var entries: [TOMLEntry] = []
    for _ in 0..<count {
      let found = unsafe values[next]
      let key = unsafe text(found.key, found.key_length)
      entries.append(TOMLEntry(key, at: TOMLPlace(unsafe found.key_place), unsafe value(at: &next, of: values)))
    }
    return entries.sorted { $0.place < $1.place }
  }

  private static func text(_ start: UnsafePointer<CChar>?, _ length: Int) -> String {
    unsafe UnsafeBufferPointer(start: start, count: length).withMemoryRebound(to: UInt8.self) {
      unsafe String(decoding: $0, as: UTF8.self)
    }
  }
}

extension TOMLPlace {
  static let start = TOMLPlace(line: 1, column: 1)

  init(_ place: mh_toml_place) { self.init(line: Int(place.line), column: Int(place.column)) }
}
