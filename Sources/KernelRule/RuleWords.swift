package import Linux

/// What is said of the rule.
package enum RuleWords {
  /// A table of our name that is somebody else's.
  package static let foreign = KernelRuleError(
    .host,
    "there is a table inet \(RuleTable.name) that is not made by this version of multihomed, and it is left alone; look at "
      + "it with: nft list table inet \(RuleTable.name); if nobody needs it, remove it with: nft delete table inet "
      + "\(RuleTable.name)")

  /// Another command has been at it all the while.
  package static func busy(_ limit: Nanoseconds) -> KernelRuleError {
    KernelRuleError(
      .process,
      "other multihomed kernel commands have been at work in this network namespace for "
        + "\(limit.millisecondsRoundedUp / 1000) s; nothing was changed; wait until they have ended, or find them with: "
        + "pgrep -af 'multihomed kernel'")
  }

  /// More ports than there is room for.
  package static func tooMany(_ count: Int) -> KernelRuleError {
    KernelRuleError(
      .usage, "\(count) ports are given, and the kernel's rule has room for \(RuleSettings.mostPorts); \(ranges)")
  }

  /// More ports than there is room for beside those that are there.
  package static func tooManyTogether(_ count: Int) -> KernelRuleError {
    KernelRuleError(
      .host,
      "with those that the kernel's rule is applied to already it would be \(count) ports, and it has room for "
        + "\(RuleSettings.mostPorts); see multihomed kernel show, and take some out with multihomed kernel remove PORT; "
        + ranges)
  }

  private static let ranges = "for a range of ports use multihomed relay --listen LOW-HIGH --backend ADDRESS:LOW-HIGH"

  // MARK: What was done

  /// What apply has done.
  package static func applied(
    _ asked: [UInt16], from old: RuleSettings?, to new: RuleSettings, _ remaking: Remaking?
  ) -> [String] {
    let added = asked.filter { !(old?.ports.contains($0) ?? false) }
    let again = asked.filter { !added.contains($0) }
    var lines: [String] = []
    if !added.isEmpty {
      lines.append("applied to \(ports(added)), IPv4 and IPv6: replies leave from the address that was asked")
    }
    if !again.isEmpty { lines.append("already applied to \(ports(again))") }
    if let remaking { lines.append(remade(remaking)) }
    lines.append(
      "in force for \(ports(new.ports)), with room for \(new.clients) or more clients of each family, each remembered for "
        + "\(RuleTable.span(new.timeout)) after its last datagram")
    return added.isEmpty ? lines : lines + limits
  }

  /// What remove has done.
  package static func removed(_ gone: [UInt16], of asked: [UInt16], left: [UInt16], _ remaking: Remaking?) -> [String] {
    var lines: [String] = []
    if !gone.isEmpty {
      let rest = left.isEmpty ? "none is left, and the table is gone" : "still in force for \(ports(left))"
      lines.append("removed from \(ports(gone)); \(rest)")
    }
    if let remaking { lines.append(remade(remaking)) }
    let others = asked.filter { !gone.contains($0) }
    if !others.isEmpty { lines.append("nothing to remove from \(ports(others)): the rule is not applied there") }
    return lines
  }

  private static func remade(_ why: Remaking) -> String {
    let reason = why == .options ? "with these options" : "because somebody had changed it"
    return "the table was made anew, \(reason): what it had remembered and counted is forgotten"
  }

  private static let limits = [
    "limit: a client that asks two addresses of this host from one port is answered from the one that it asked last, up to a "
      + "second late when it turns back; where both must be right at once, use multihomed relay",
    "lasts until the next reboot, or until somebody flushes the ruleset, which multihomed kernel show notices; "
      + "multihomed-kernel(8) says how to keep it",
  ]

  // MARK: What may be otherwise than it was meant

  /// Ports that somebody has flushed, and that are not applied again.
  package static func lost(_ ports: [UInt16]) -> [String] {
    if ports.isEmpty { return [] }
    return [
      "note: somebody has flushed the rule for \(self.ports(ports)), and it is not put back; if it is still wanted: multihomed "
        + "kernel apply \(list(ports))"
    ]
  }

  /// Ports on which there is nothing to mend.
  package static func idle(_ listeners: [PortListeners]) -> [String] {
    var notes: [String] = []
    let empty = listeners.filter(\.isEmpty).map(\.port)
    if !empty.isEmpty {
      notes.append(
        "note: nobody listens on \(ports(empty)) yet, and the rule waits for a service there; if a port is wrong: multihomed "
          + "kernel remove \(list(empty))")
    }
    return notes + listeners.filter { !$0.isEmpty && !$0.hasWildcard }.map(needless)
  }

  private static func needless(_ listeners: PortListeners) -> String {
    let reason =
      listeners.areRelays
      ? "a relay, which answers from the address that was asked anyway"
      : "bound to single addresses, from which the answers leave anyway"
    return
      "note: there is nothing to mend on \(ports([listeners.port])), which is taken by \(listeners.names), \(reason); if it "
      + "is the wrong port: multihomed kernel remove \(listeners.port)"
  }

  /// That the record could not be written, nor the lock taken, which lies beside it.
  package static func unnoted(_ error: Errno) -> String {
    let way =
      error == .notPermitted
      ? "the folder must be root's or your own, and writable for nobody else"
      : "run it as root (in a systemd unit: with ReadWritePaths=/run)"
    return
      "warning: what was applied cannot be noted in \(RuleFiles.folder): \(error); multihomed kernel show will not notice "
      + "when somebody flushes the ruleset, and commands at the same time may undo each other; \(way)"
  }

  /// That nothing was noted because nothing had to be, but others were not kept away, either.
  package static let unlocked =
    "warning: \(RuleFiles.folder) cannot be written, so that commands at the same time may undo each other; run it as root "
    + "(in a systemd unit: with ReadWritePaths=/run)"

  // MARK: Ports

  /// `UDP port 53`, `UDP ports 53, 67 and 123`.
  package static func ports(_ ports: [UInt16]) -> String {
    guard let last = ports.last, ports.count > 1 else { return "UDP port \(ports.first ?? 0)" }
    return "UDP ports \(ports.dropLast().map(String.init).joined(separator: ", ")) and \(last)"
  }

  /// As they are typed: `53 67 123`.
  package static func list(_ ports: [UInt16]) -> String { ports.map(String.init).joined(separator: " ") }
}
