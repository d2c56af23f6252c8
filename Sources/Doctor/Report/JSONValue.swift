/// A value of JSON (RFC 8259), to be written. Members keep the order in which they are given.
package indirect enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case number(Int)
  case string(String)
  case array([JSONValue])
  case object([Member])

  /// A member of an object.
  package struct Member: Hashable, Sendable {
    let name: String
    let value: JSONValue
  }

  /// An object.
  static func members(_ lists: KeyValuePairs<String, JSONValue>...) -> JSONValue {
    .object(lists.joined().map { Member(name: $0.key, value: $0.value) })
  }

  /// The text, moved in by two spaces a level.
  package var text: String {
    var text = ""
    write(to: &text, margin: "\n")
    return text
  }

  private func write(to text: inout String, margin: String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let value): text += String(value)
    case .string(let value): Self.write(value, to: &text)
    case .array(let values):
      Self.write(values, between: ("[", "]"), to: &text, margin) { value, text, margin in
        value.write(to: &text, margin: margin)
      }
    case .object(let members):
      Self.write(members, between: ("{", "}"), to: &text, margin) { member, text, margin in
        Self.write(member.name, to: &text)
        text += ": "
        member.value.write(to: &text, margin: margin)
      }
    }
  }

  private static func write<Element>(
    _ elements: [Element], between ends: (String, String), to text: inout String, _ margin: String,
    _ one: (Element, inout String, String) -> Void
  ) {
    text += ends.0
    for (index, element) in elements.enumerated() {
      text += (index == 0 ? "" : ",") + margin + "  "
      one(element, &text, margin + "  ")
    }
    text += (elements.isEmpty ? "" : margin) + ends.1
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
