import Linux

/// Whether what was seen is what the demo tells.
package enum Verdict {
  /// The first half: each answer came from docker0's address, and an ICMP error came back for it.
  ///
  /// - Returns: what was seen instead, or nil.
  package static func onTheFault(_ exchanges: [Exchange]) -> String? {
    complaint(about: exchanges, "no reply, an answer from \(Scenario.docker0), and an ICMP error") { exchange in
      !exchange.isAnswered && exchange.packets.compactMap(\.answerer?.address) == [Scenario.docker0]
        && exchange.packets.contains { $0.refused != nil }
    }
  }

  /// The second half: each answer came from the address that was asked, and no ICMP error.
  ///
  /// - Returns: what was seen instead, or nil.
  package static func onTheMend(_ exchanges: [Exchange]) -> String? {
    complaint(about: exchanges, "a reply from the address that was asked, and no ICMP error") { exchange in
      exchange.isAnswered && exchange.packets.compactMap(\.answerer) == [exchange.asked]
        && !exchange.packets.contains { $0.refused != nil }
    }
  }

  private static func complaint(
    about exchanges: [Exchange], _ expected: String, isAsTold: (Exchange) -> Bool
  ) -> String? {
    guard let other = exchanges.first(where: { !isAsTold($0) }) else { return nil }
    let seen = other.packets.isEmpty ? "nothing" : other.packets.map(\.description).joined(separator: "; ")
    let reply = other.isAnswered ? "a reply" : "no reply"
    return "expected \(expected) when \(other.asked) was asked, but saw \(reply) and on the wire: \(seen)"
  }
}
