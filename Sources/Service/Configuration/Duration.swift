public import Linux

extension Nanoseconds {
  /// One day.
  static let day = Nanoseconds.seconds(86_400)

  /// Reads a whole number and its unit: `50us`, `500ms`, `30s`, `5m`, `1h`.
  public init(parsing text: String) throws(ConfigurationError) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = UInt64(digits), let unit = Self.units.first(where: { $0.name == text.dropFirst(digits.count) })
    else { throw .usage("'\(text)' is not a duration; give a whole number and its unit: 50us, 500ms, 30s, 5m or 1h") }
    let (count, overflow) = number.multipliedReportingOverflow(by: unit.length.count)
    guard !overflow else { throw .usage("\(text) is too long; give at most 24h") }
    self.init(count)
  }

  /// The same in the largest unit that needs no fraction: `90s`, `5m`. Less than a microsecond is left out.
  public var text: String {
    if count == 0 { return "0s" }
    guard let unit = Self.units.last(where: { count.isMultiple(of: $0.length.count) }) else {
      return "\(count / 1_000)us"
    }
    return "\(count / unit.length.count)\(unit.name)"
  }

  private static let units: [(name: String, length: Nanoseconds)] = [
    ("us", .microseconds(1)), ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)), ("h", .seconds(3600)),
  ]
}
