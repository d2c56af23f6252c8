import Linux

/// What somebody wants of the table, as it was typed.
public struct RuleRequest: Hashable, Sendable {
  package let ports: [UInt16]
  package let clients: Int?
  package let timeout: Int?

  /// Reads ports and options.
  ///
  /// - Parameters:
  ///   - ports: 1 to 64 numbers from 1 to 65535.
  ///   - clients: 1 to 1000000; nil leaves it as it is, 65536 at first.
  ///   - timeout: a whole number and `s`, `m` or `h`, 2s to 24h; nil leaves it as it is, 60s at first.
  /// - Throws: what is wrong with them, as a mistake of usage.
  public init(ports: [String], clients: String? = nil, timeout: String? = nil) throws(KernelRuleError) {
    var numbers: [UInt16] = []
    for text in ports { numbers.append(try Self.port(text)) }
    self.ports = Set(numbers).sorted()
    self.clients = try clients.map { text throws(KernelRuleError) in try Self.clients(text) }
    self.timeout = try timeout.map { text throws(KernelRuleError) in try Self.timeout(text) }
  }

  /// The settings once this is added to those that are; nil when there are none.
  package func added(to old: RuleSettings?) -> RuleSettings {
    let start = old ?? RuleSettings(ports: [])
    return RuleSettings(
      ports: start.ports + ports, clients: clients ?? start.clients, timeout: timeout ?? start.timeout, seed: start.seed
    )
  }

  private static func port(_ text: String) throws(KernelRuleError) -> UInt16 {
    guard let port = UInt16(port: text) else {
      throw KernelRuleError(.usage, "'\(text)' is not a port; give a number from 1 to 65535")
    }
    return port
  }

  private static func clients(_ text: String) throws(KernelRuleError) -> Int {
    guard let count = number(text[...]), RuleSettings.clientRange.contains(count) else {
      throw KernelRuleError(.usage, "--clients: '\(text)' is out of range; give a whole number from 1 to 1000000")
    }
    return count
  }

  private static func timeout(_ text: String) throws(KernelRuleError) -> Int {
    let units = ["s": 1, "m": 60, "h": 3600]
    guard let unit = text.last.flatMap({ units[String($0)] }), let count = number(text.dropLast()) else {
      throw KernelRuleError(
        .usage, "--timeout: '\(text)' is not a duration; give a whole number and its unit: 30s, 5m or 1h")
    }
    let (seconds, overflow) = count.multipliedReportingOverflow(by: unit)
    guard !overflow, RuleSettings.timeoutRange.contains(seconds) else {
      throw KernelRuleError(.usage, "--timeout: \(text) is out of range; give 2s to 24h")
    }
    return seconds
  }

  /// Digits only: `Int` would take a sign.
  private static func number(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
  }
}
