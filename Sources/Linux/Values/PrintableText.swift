extension String {
  /// The text as it may be shown: what a terminal would obey, and what would deceive a reader, is written out as `\x1b` or
  /// `\u{202e}`. Processes and network namespaces may be called whatever somebody likes. Applied twice, it is as applied once.
  public var printable: String { isPrintable ? self : unicodeScalars.map(\.printable).joined() }

  /// Whether nothing has to be written out.
  public var isPrintable: Bool { unicodeScalars.allSatisfy(\.isPrintable) }
}

extension Unicode.Scalar {
  fileprivate var isControl: Bool { value < 0x20 || (0x7f...0x9f).contains(value) }

  /// What is no control character, does not turn the direction of writing, and breaks no line (Unicode, categories Cf, Zl
  /// and Zp).
  fileprivate var isPrintable: Bool {
    !isControl && ![.format, .lineSeparator, .paragraphSeparator].contains(properties.generalCategory)
  }

  fileprivate var printable: String {
    if isPrintable { return String(self) }
    let digits = String(value, radix: 16)
    return isControl ? "\\x" + (digits.count < 2 ? "0" : "") + digits : "\\u{\(digits)}"
  }
}
