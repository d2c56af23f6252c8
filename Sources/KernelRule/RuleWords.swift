import Linux

/// What is said of the rule.
enum RuleWords {
  /// A table of our name that is somebody else's.
  static let foreign = KernelRuleError(
    .host,
    "there is a table inet \(RuleTable.name) that is not made by this version of multihomed, and it is left alone; look at "
      + "it with: nft list table inet \(RuleTable.name); if nobody needs it, remove it with: nft delete table inet "
      + "\(RuleTable.name)")

  /// What apply says; `lost` are ports that somebody has flushed, and that are not applied again.
  static func applied(_ settings: RuleSettings, isChanged: Bool, lost: [UInt16]) -> [String] {
    let others = lost.map(String.init).joined(separator: " ")
    return [
      "\(isChanged ? "applied" : "already applied") to \(ports(settings.ports)), IPv4 and IPv6: replies leave from the "
        + "address that was asked; up to \(settings.clients) clients of each family are remembered, "
        + "\(RuleTable.span(settings.timeout)) after their last datagram",
      "not done: who asks two addresses from one port is answered from the last one asked, and back within a second perhaps "
        + "from the other; for both at once: multihomed relay",
      "gone after a reboot, or when somebody flushes the ruleset: see multihomed kernel show, and multihomed-kernel(8)",
    ]
      + (lost.isEmpty
        ? []
        : [
          "not put back: \(ports(lost)), which somebody has flushed; if it is still wanted: multihomed kernel apply \(others)"
        ])
  }

  /// What remove says.
  static func removed(_ gone: [UInt16], left: [UInt16], notApplied: [UInt16]) -> [String] {
    var lines: [String] = []
    if !gone.isEmpty {
      lines.append("removed from \(ports(gone)); \(left.isEmpty ? "no port is left" : "left: \(ports(left))")")
    }
    if !notApplied.isEmpty {
      lines.append("nothing to remove from \(ports(notApplied)): the rule was not applied to it")
    }
    return lines
  }

  /// That the record could not be written.
  static func unnoted(_ error: Errno) -> String {
    "warning: what was applied cannot be noted in /run/multihomed: \(error); multihomed kernel show will not notice when "
      + "somebody flushes the ruleset"
  }

  /// `port 53`, `ports 53 and 123`.
  static func ports(_ ports: [UInt16]) -> String {
    guard let last = ports.last, ports.count > 1 else { return "UDP port \(ports.first ?? 0)" }
    return "UDP ports \(ports.dropLast().map(String.init).joined(separator: ", ")) and \(last)"
  }
}
