import Linux

/// What the demo prints: no times and nothing random, so that each run prints the same.
package enum Transcript {
  /// The network.
  static let picture = [
    "  container    ┌────────────────── host ──────────────────┐      LAN peer",
    "  172.17.0.2 ──┤ docker0 172.17.0.1  eth0 192.168.106.242 ├── 192.168.106.10",
    "               └──────────────────────────────────────────┘",
  ]

  /// Where the notes begin: behind the longest UDP line of the scenario.
  static let noteColumn = 60

  /// One line of tcpdump for each packet, with a note where an answer passes.
  package static func trace(_ exchanges: [Exchange]) -> [String] {
    exchanges.flatMap { exchange in
      exchange.packets.map { packet in
        guard let answerer = packet.answerer else { return "  \(packet)" }
        let note = answerer == exchange.asked ? "✓ the address that was asked" : "✗ not the address that was asked"
        let line = "  \(packet)"
        return line + String(repeating: " ", count: max(1, noteColumn - line.count)) + note
      }
    }
  }

  /// `→ 0 of 3 replies: why`
  package static func tally(_ exchanges: [Exchange], _ remark: String? = nil) -> String {
    let answered = exchanges.count { $0.isAnswered }
    let replies = exchanges.count == 1 ? "reply" : "replies"
    return "  → \(answered) of \(exchanges.count) \(replies)" + (remark.map { ": \($0)" } ?? "")
  }
}
