/// A value of JSON (RFC 8259). Members keep the order in which they are given or found.
package indirect enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  /// A whole number.
  case number(Int)
  /// Any other number; finite.
  case decimal(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// A member of an object.
  package struct Member: Hashable, Sendable {
    /// What it is called.
    package let name: String
    /// What it is.
    package let value: JSONValue

    package init(name: String, value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// An object.
  package static func members(_ lists: KeyValuePairs<String, JSONValue>...) -> JSONValue {
    .object(lists.joined().map { Member(name: $0.key, value: $0.value) })
  }

  /// The text, moved in by two spaces a level.
  package var text: String {
    var text = ""
    write(to: &text, margin: "\n")
    return text
  }

  /// The text on one line, without a space that is not a string's.
  package var line: String {
    var text = ""
    write(to: &text, margin: nil)
    return text
  }

  /// - Parameter margin: what a line begins with; nil for one line in all.
  private func write(to text: inout String, margin: String?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let value): text += String(value)
    case .decimal(let value): text += value.isFinite ? value.description : "null"
    case .string(let value): Self.write(value, to: &text)
    case .array(let values):
      Self.write(values, between: ("[", "]"), to: &text, margin) { value, text, margin in
        value.write(to: &text, margin: margin)
      }
    case .object(let members):
      Self.write(members, between: ("{", "}"), to: &text, margin) { member, text, margin in
        Self.write(member.name, to: &text)
        text += margin == nil ? ":" : ": "
        member.value.write(to: &text, margin: margin)
      }
    }
  }

  private static func write<Element>(
    _ elements: [Element], between ends: (String, String), to text: inout String, _ margin: String?,
    _ one: (Element, inout String, String?) -> Void
  ) {
    text += ends.0
    for (index, element) in elements.enumerated() {
      text += index == 0 ? "" : ","
      if let margin { text += margin + "  " }
      one(element, &text, margin.map { $0 + "  " })
    }
    text += (elements.isEmpty ? "" : margin ?? "") + ends.1
  }

  /// Control characters are escaped, and so is what a terminal might obey; the rest stands for itself.
  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      default:
        if scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) {
          let digits = String(scalar.value, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    text += "\""
  }
}
