/// One of the two places in the kernel where datagrams pass by the table.
struct RuleHook: Sendable {
  /// Its chain.
  let name: String
  /// The chain's type, hook and priority.
  let type: String
  /// The port that is the service's.
  let port: String
  /// The chain that datagrams of the service are handed to, without its kind.
  let next: String
  /// The counters of those, without family and port.
  let counter: String

  /// One rule for each port and family: counted, and off to where the work is done. Nothing else of this host goes further.
  func rules(_ ports: [UInt16]) -> [String] {
    ports.flatMap { number in
      RuleTable.families.map { family, digit in
        "meta nfproto \(family) udp \(port) \(number) counter name \"\(counter)\(digit)_\(number)\" goto \(next)\(digit)"
      }
    }
  }
}

extension RuleTable {
  /// Requests: behind the host's filters, so that what they drop is not remembered, and behind source NAT (100), so that
  /// clients are as the service sees them. Replies: before conntrack (-200), which must see the mended source, in a chain of
  /// type route, so that the way is chosen anew for it.
  static let hooks = [
    RuleHook(
      name: "input", type: "type filter hook input priority 200; policy accept;", port: "dport", next: "remember",
      counter: "requests"),
    RuleHook(
      name: "output", type: "type route hook output priority raw; policy accept;", port: "sport", next: "mend",
      counter: "replies"),
  ]
}
