extension String {
  /// The text as one word of a shell's command line (sh(1)): a network namespace may be called whatever a file may be. What
  /// must not be shown is written as bytes of `$'...'` (POSIX.1-2024, 2.2.4; bash, zsh and ksh have had it for long).
  public var shellWord: String {
    if !isEmpty, utf8.allSatisfy(\.isPlainInShell) { return self }
    if isPrintable { return "'" + replacing("'", with: "'\\''") + "'" }
    return "$'" + utf8.map(\.shellEscape).joined() + "'"
  }
}

extension UInt8 {
  private static let plainMarks = Set("@%+=:,./-_".utf8)

  /// Letters, digits and marks that no shell takes for its own.
  fileprivate var isPlainInShell: Bool {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
    return digits.contains(self) || letters.contains(self | 0x20) || Self.plainMarks.contains(self)
  }

  fileprivate var shellEscape: String {
    if isPlainInShell { return String(Unicode.Scalar(self)) }
    // Octal, of three digits: a hexadecimal escape would take the digits that follow it, too.
    let digits = String(self, radix: 8)
    return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
  }
}
