/// Why a text is no JSON.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The number of the byte at which that shows, from 0.
  package let place: Int
  /// What is wrong.
  package let message: String

  package var description: String { "\(message) at byte \(place)" }
}

extension JSONValue {
  /// Reads a text (RFC 8259), strictly: nothing may follow the value but white space.
  ///
  /// - Throws: where it is no JSON, or nested more than 64 levels deep.
  package init(parsing text: some Sequence<UInt8>) throws(JSONError) {
    var reader = JSONReader(bytes: Array(text))
    self = try reader.document()
  }

  /// The same of a string.
  package init(parsing text: String) throws(JSONError) { try self.init(parsing: text.utf8) }

  /// A member of an object, the first of its name; nil when there is none, or when this is no object.
  package subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// The text, if this is one.
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The whole number, if this is one.
  package var integer: Int? { if case .number(let value) = self { value } else { nil } }
  /// The number, if this is one.
  package var double: Double? {
    switch self {
    case .number(let value): Double(value)
    case .decimal(let value): value
    default: nil
    }
  }
  /// The truth value, if this is one.
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The elements, if this is an array.
  package var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
  /// The members, if this is an object.
  package var object: [Member]? { if case .object(let members) = self { members } else { nil } }
}

/// Goes through a text once, from its first byte to its last.
private struct JSONReader {
  private static let deepest = 64

  let bytes: [UInt8]
  private var place = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(JSONError) -> JSONValue {
    let value = try value(depth: 0)
    skipSpace()
    if place < bytes.count { throw error("something follows the value") }
    return value
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    if depth > Self.deepest { throw error("nested too deep") }
    skipSpace()
    guard let first = next else { throw error("the text ends too early") }
    switch first {
    case UInt8(ascii: "{"): return .object(try members(depth: depth))
    case UInt8(ascii: "["): return .array(try elements(depth: depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  // MARK: What holds others

  private mutating func members(depth: Int) throws(JSONError) -> [JSONValue.Member] {
    place += 1
    var members: [JSONValue.Member] = []
    if take("}") { return members }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("a member has no name") }
      let name = try string()
      guard take(":") else { throw error("a member has no colon") }
      members.append(JSONValue.Member(name: name, value: try value(depth: depth + 1)))
    } while take(",")
    guard take("}") else { throw error("an object does not end") }
    return members
  }

  private mutating func elements(depth: Int) throws(JSONError) -> [JSONValue] {
    place += 1
    var elements: [JSONValue] = []
    if take("]") { return elements }
    repeat { elements.append(try value(depth: depth + 1)) } while take(",")
    guard take("]") else { throw error("an array does not end") }
    return elements
  }

  // MARK: Words and numbers

  private mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
    guard bytes[place...].starts(with: word.utf8) else { throw error("an unknown word") }
    place += word.utf8.count
    return value
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let start = place
    if next == UInt8(ascii: "-") { place += 1 }
    let leading = next
    guard try digits() == 1 || leading != UInt8(ascii: "0") else { throw error("a number begins with 0") }
    var isWhole = true
    if next == UInt8(ascii: ".") {
      place += 1
      isWhole = false
      _ = try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      place += 1
      isWhole = false
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { place += 1 }
      _ = try digits()
    }
    let text = String(decoding: bytes[start..<place], as: UTF8.self)
    if isWhole, let number = Int(text) { return .number(number) }
    guard let number = Double(text), number.isFinite else { throw error("a number is out of range") }
    return .decimal(number)
  }

  /// - Returns: how many there were.
  private mutating func digits() throws(JSONError) -> Int {
    let start = place
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { place += 1 }
    guard place > start else { throw error("no value") }
    return place - start
  }

  // MARK: Strings

  private mutating func string() throws(JSONError) -> String {
    place += 1
    var found: [UInt8] = []
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        place += 1
        guard let text = String(validating: found, as: UTF8.self) else { throw error("a string is no UTF-8") }
        return text
      case UInt8(ascii: "\\"): try found.append(contentsOf: String(escape()).utf8)
      case 0..<0x20: throw error("a control character in a string")
      default:
        found.append(byte)
        place += 1
      }
    }
    throw error("a string does not end")
  }

  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    place += 1
    guard let byte = next else { throw error("a string does not end") }
    place += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try scalar()
    default: throw error("an unknown escape")
    }
  }

  /// What is written as one `\u`, or as two that are a pair.
  private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
    let high = try codeUnit()
    if let scalar = Unicode.Scalar(high) { return scalar }
    guard UTF16.isLeadSurrogate(high), bytes[place...].starts(with: "\\u".utf8) else { throw error("half a character") }
    place += 2
    let low = try codeUnit()
    guard UTF16.isTrailSurrogate(low),
      let scalar = Unicode.Scalar(0x1_0000 + (UInt32(high) - 0xd800) << 10 + UInt32(low) - 0xdc00)
    else { throw error("half a character") }
    return scalar
  }

  private mutating func codeUnit() throws(JSONError) -> UInt16 {
    guard bytes.count - place >= 4 else { throw error("a string does not end") }
    let digits = bytes[place..<(place + 4)]
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80 }),
      let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw error("an unknown escape") }
    place += 4
    return unit
  }

  // MARK: Bytes

  private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { place += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard let byte = next, byte == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }

  private func error(_ message: String) -> JSONError { JSONError(place: place, message: message) }
}
