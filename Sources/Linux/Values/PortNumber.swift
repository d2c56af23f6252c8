extension UInt16 {
  /// A UDP port as people type it: 1 to 65535, in digits only, where `UInt16(_:)` would take a sign; nil for anything else.
  public init?(port text: some StringProtocol) {
    guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = UInt16(text),
      number > 0
    else { return nil }
    self = number
  }
}
