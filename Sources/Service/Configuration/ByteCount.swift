/// Reads numbers of bytes as people write them.
enum ByteCount {
  private static let units = [("", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]

  /// Reads a whole number and its unit: `65536`, `512KiB`, `4MiB`, `1GiB`.
  static func parse(_ text: String) throws(ConfigurationError) -> Int {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits), let unit = units.first(where: { $0.0 == text.dropFirst(digits.count) }) else {
      throw .usage("'\(text)' is not a size; give a whole number of bytes, or one with its unit: 512KiB, 4MiB, 1GiB")
    }
    let (count, overflow) = number.multipliedReportingOverflow(by: unit.1)
    guard !overflow else { throw .usage("\(text) is too large; give at most 1GiB") }
    return count
  }

  /// The same in the largest unit that needs no fraction: `4MiB`, `1000`.
  static func text(_ count: Int) -> String {
    guard count > 0, let unit = units.last(where: { count.isMultiple(of: $0.1) }) else { return "\(count)" }
    return "\(count / unit.1)\(unit.0)"
  }
}
