/// The table as a value: every block of it, with its lines as nft(8) lists them.
package struct RuleTable: Hashable, Sendable {
  /// The table's name, in the family inet: one table for both IPv4 and IPv6 (route chains there: Linux 5.2).
  package static let name = "multihomed"
  /// How long a client that asks the same address again is passed by one look-up, in seconds. So long may one that turns
  /// to another address and back be answered from the other.
  static let confirmation = 1
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
    let kinds = ClientKind.allCases
    blocks =
      Self.counters(settings.ports).map { Block(header: "counter \($0)", lines: []) }
      + Self.tallies.map { name, port in
        Block(header: "set \(name)", lines: ["typeof meta nfproto . \(port)", "counter"])
      }
      + kinds.flatMap { Self.sets($0, settings) }
      + Self.hooks.map { Block(header: "chain \($0.name)", lines: [$0.type] + $0.rules(settings.ports)) }
      + kinds.flatMap { Self.chains($0, settings.seed) }
  }

  /// Sets whose elements, a family and a port each, count what does not go the usual way.
  static let tallies = [("elsewhere", "th dport"), ("forgotten", "th dport"), ("unmended", "th sport")]

  /// The names of the counters of some ports.
  static func counters(_ ports: [UInt16]) -> [String] {
    ports.flatMap { port in hooks.flatMap { hook in families.map { "\(hook.counter)\($0.1)_\(port)" } } }
  }

  /// The elements of `tallies` for some ports.
  static func elements(_ ports: [UInt16]) -> String {
    ports.flatMap { port in families.map { "\($0.0) . \(port)" } }.joined(separator: ", ")
  }

  // MARK: Sets

  private static func sets(_ kind: ClientKind, _ settings: RuleSettings) -> [Block] {
    // Twice the clients: those that were deleted and added count twice until the next garbage collection.
    let size = "size \(2 * settings.clients)"
    func block(_ header: String, _ type: String, _ timeout: Int) -> Block {
      Block(header: header + kind.suffix, lines: [type, size, "flags dynamic,timeout", "timeout \(span(timeout))"])
    }
    return [
      block("set recent", "typeof " + kind.pair, confirmation), block("map asked", kind.clientType, settings.timeout),
      block("map spare", kind.clientType, 2 * confirmation),
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

  // MARK: Chains

  private static func chains(_ kind: ClientKind, _ seed: UInt32) -> [Block] {
    [
      Block(header: "chain remember\(kind.suffix)", lines: remembering(kind, seed)),
      Block(header: "chain mend\(kind.suffix)", lines: mending(kind, seed)),
    ]
  }

  private static func remembering(_ kind: ClientKind, _ seed: UInt32) -> [String] {
    let (client, end) = (kind.sender(seed), kind.suffix)
    let element = "{ \(client) : \(kind.header) daddr }"
    return (kind == .v6 ? ["ip6 saddr fe80::/10 goto remember_link"] : []) + [
      "\(kind.pair) @recent\(end) accept",
      // A multicast or broadcast address must never become a reply's source.
      "fib daddr type != local meta nfproto . th dport @elsewhere accept",
      "\(client) != @asked\(end) add @asked\(end) \(element) accept",
      // Also for a client that another processor is about to delete and add, hence without asking whether it is there. A rule
      // ends where a set is full: then at least `spare` remembers the client for two seconds.
      "update @spare\(end) \(element) delete @asked\(end) \(element) add @asked\(end) \(element) "
        + "add @recent\(end) { \(kind.pair) } accept",
      "meta nfproto . th dport @forgotten",
    ]
  }

  private static func mending(_ kind: ClientKind, _ seed: UInt32) -> [String] {
    let (client, end, source) = (kind.receiver(seed), kind.suffix, "\(kind.header) saddr")
    return (kind == .v6 ? ["ip6 daddr fe80::/10 goto mend_link"] : []) + [
      // Replies keep a client remembered, too: a service may stream for hours to whoever asked once.
      "\(source) set \(client) map @asked\(end) update @asked\(end) { \(client) : \(source) } accept",
      "\(source) set \(client) map @spare\(end) accept",
      "meta nfproto . th sport @unmended",
    ]
  }
}
