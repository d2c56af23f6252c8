/// The table as a value: every block of it, with its lines as nft(8) lists them.
package struct RuleTable: Hashable, Sendable {
  /// The table's name, in the family inet: one table for both IPv4 and IPv6 (route chains there: Linux 5.2).
  package static let name = "multihomed"
  /// How long a client that asks the same address again is passed by one look-up, in seconds. So long may one that turns
  /// to another address and back be answered from the other.
  static let confirmation = 1
  /// For how many pairs of a service and an interface it is remembered which source the kernel picked: all ports on 1024.
  private static let mostWays = 1024 * RuleSettings.mostPorts
  /// The families as `meta nfproto` and our counters' names have them.
  static let families = [("ipv4", "4"), ("ipv6", "6")]

  /// One block: `set recent4`, `chain input`.
  package struct Block: Hashable, Sendable {
    /// Its first line without the brace.
    package let header: String
    /// What it holds, each line without what it is indented by.
    package let lines: [String]

    /// A block in both its parts.
    package init(header: String, lines: [String]) {
      self.header = header
      self.lines = lines
    }
  }

  /// All of them, in the order in which nft lists them.
  package let blocks: [Block]

  /// Blocks as they were listed.
  package init(blocks: [Block]) { self.blocks = blocks }

  /// The table for these settings.
  package init(_ settings: RuleSettings) {
    blocks =
      Self.counters(settings.ports).map { Block(header: "counter \($0)", lines: []) }
      + AddressForm.allCases.flatMap { Self.sets($0, settings) }
      + Self.hooks.map { Block(header: "chain \($0.name)", lines: [$0.type] + $0.rules(settings.ports)) }
      + AddressForm.allCases.flatMap { FormChains(form: $0, settings: settings).blocks }
  }

  /// What is counted for each port and family, in the order of a datagram's life: see `RuleTally.Counts`.
  private static let counts = ["requests", "elsewhere", "forgotten", "replies", "gone", "unmended"]

  /// The names of the counters of some ports.
  static func counters(_ ports: [UInt16]) -> [String] {
    ports.flatMap { port in counts.flatMap { count in families.map { "\(count)\($0.1)_\(port)" } } }
  }

  // MARK: Sets

  private static func sets(_ form: AddressForm, _ settings: RuleSettings) -> [Block] {
    func block(_ header: String, _ type: String, _ size: Int, _ timeout: Int) -> Block {
      let lines = [type, "size \(size)", "flags dynamic,timeout", "timeout \(span(timeout))"]
      return Block(header: header + form.suffix, lines: lines)
    }
    // Twice the clients: those that were deleted and added count twice until the next garbage collection.
    let size = 2 * settings.clients
    return [
      block("set recent", "typeof " + form.pair, size, confirmation),
      block("map asked", form.clientType, size, settings.timeout),
      block("map spare", form.clientType, size, 2 * confirmation),
      block("map picked", "typeof oif . th sport : \(form.header) saddr", mostWays, confirmation),
    ]
  }

  /// A length of time as nft writes it: `1m30s`.
  package static func span(_ seconds: Int) -> String {
    let parts = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")]
    var rest = seconds
    return parts.reduce(into: "") { text, unit in
      if rest >= unit.0 { text += "\(rest / unit.0)\(unit.1)" }
      rest %= unit.0
    }
  }
}
