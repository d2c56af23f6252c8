import Linux

/// Reads ports and ranges of ports as people write them.
enum PortRange {
  /// Reads `PORT` or `LOW-HIGH`.
  static func parse(_ text: Substring) throws(ConfigurationError) -> ClosedRange<UInt16> {
    let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard !parts.contains("") else {
      throw .usage("'\(text)' is neither a port nor a range of ports; give a number from 1 to 65535, or LOW-HIGH")
    }
    let low = try port(parts[0])
    guard parts.count == 2 else { return low...low }
    let high = try port(parts[1])
    guard low <= high else {
      throw .usage("the range \(text) is empty; write the lower port first: \(high)-\(low)")
    }
    return low...high
  }

  /// Writes `PORT` or `LOW-HIGH`.
  static func describe(_ ports: ClosedRange<UInt16>) -> String {
    ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)"
  }

  private static func port(_ text: Substring) throws(ConfigurationError) -> UInt16 {
    guard let port = UInt16(port: text) else {
      throw .usage("'\(text)' is not a port; give a number from 1 to 65535")
    }
    return port
  }
}
