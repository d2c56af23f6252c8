import JSON
import Support
import Testing

@Suite struct JSONReaderTests {
  @Test(arguments: [
    "null", "true", "false", "0", "-1", "1.5", "-0.25", "1e3", "2E-2", "\"\"", "[]", "{}",
    " [1, \"a\", null, {\"b\": [[]]}] ",
    "{\"a\":1,\"a\":2}", "\"\\u00e9\\ud83d\\ude00\\n\\t\\\\\\/\\\"\"", "\"é😀\"", "9223372036854775807",
    "18446744073709551615",
  ])
  func whatIsJSONIsRead(_ text: String) throws {
    _ = try JSONValue(parsing: text)
    // Written and read again, it is what it was.
    #expect(try JSONValue(parsing: JSONValue(parsing: text).text) == JSONValue(parsing: text))
    #expect(try JSONValue(parsing: JSONValue(parsing: text).line) == JSONValue(parsing: text))
  }

  @Test(arguments: [
    "", " ", "nul", "nulls", "tru", "01", "-", "1.", ".5", "1e", "+1", "NaN", "1e999", "\"", "\"\\x\"", "\"\\u12g4\"",
    "\"\\ud800\"",
    "\"\\ud800\\u0041\"", "\"\u{1}\"", "[", "[1", "[1,]", "[,]", "[1 2]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
    "{a:1}", "{1:1}",
    "1 2", "[]]", "'a'",
  ])
  func whatIsNoJSONIsRefused(_ text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test func bytesThatAreNoUTF8AreRefused() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xff, 0x22]) }
  }

  @Test func whatIsNestedWithoutEndEndsInAnError() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "[", count: 100_000)) }
    #expect(throws: Never.self) {
      try JSONValue(parsing: String(repeating: "[", count: 60) + String(repeating: "]", count: 60))
    }
  }

  /// What another reader sees in what we write.
  @Test func whatIsWrittenIsReadByOthersAlike() throws {
    let value = JSONValue.members([
      "text": .string("a\"\\\n\t\u{1}\u{7f}é😀"), "number": .number(-5), "decimal": .decimal(0.125), "yes": .bool(true),
      "none": .null, "list": .array([.number(1), .array([])]),
    ])
    for text in [value.text, value.line] {
      let json = try JSON(parsing: text)
      #expect(json["text"]?.string == "a\"\\\n\t\u{1}\u{7f}é😀" && json["number"]?.integer == -5)
      #expect(json["decimal"] == .number(0.125) && json["yes"] == .bool(true) && json["none"] == .null)
      #expect(json["list"]?[0]?.integer == 1)
    }
    #expect(!value.line.contains("\n"))
  }

  @Test func membersAreFoundByTheirNames() throws {
    let json = try JSONValue(parsing: "{\"a\":{\"b\":[1,2.5,\"c\",true]}}")
    #expect(json["a"]?["b"]?.array?.count == 4)
    #expect(json["a"]?["b"]?.array?[1].double == 2.5 && json["a"]?["b"]?.array?[0].integer == 1)
    #expect(json["b"] == nil && json["a"]?.string == nil && json["a"]?.object?.count == 1)
  }
}
