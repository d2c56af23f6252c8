import Linux
import Testing

/// What somebody else has chosen is shown so that it can do no harm.
struct PrintableTextTests {
  @Test(arguments: [
    ("nc", "nc"), ("a b\\c", "a b\\c"), ("größe 網", "größe 網"), ("\u{1b}[2J", "\\x1b[2J"),
    ("a\nb\u{85}", "a\\x0ab\\x85"),
    ("\r\n", "\\x0d\\x0a"), ("\u{202e}x\u{2028}", "\\u{202e}x\\u{2028}"),
  ])
  func whatATerminalWouldObeyIsWrittenOut(text: String, shown: String) {
    #expect(text.printable == shown)
    #expect(shown.printable == shown)
    #expect(text.isPrintable == (text == shown))
  }
}
