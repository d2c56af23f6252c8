import Linux

/// The kernel's rule: one nftables table that remembers for each client which address it asked, and lets the replies leave
/// from there. All of it in the network namespace that we are in.
public enum KernelRule {
  /// Lets these ports be served, beside those that are. What is remembered stays, unless an option changes or somebody has
  /// changed the table: then it is made anew, in one transaction.
  ///
  /// - Returns: what to tell, a line each.
  /// - Throws: what stands in the way; nothing was changed then.
  public static func apply(_ request: RuleRequest) throws(KernelRuleError) -> [String] {
    let nft = try Nft()
    let listing = try nft.listing()
    let old = try owned(listing)
    let new = request.added(to: old)
    try checkNumber(of: new.ports)
    if let old, let listing, isIntact(listing), new.remembersLike(old) {
      if new.ports != old.ports { try nft.run(RuleScript.change(from: old, to: new)) }
    } else {
      try nft.run(RuleScript.replacement(new))
    }
    let isChanged = new != old || !isIntact(listing)
    let lost = old == nil ? (RuleRecord.read()?.settings.ports ?? []).filter { !new.ports.contains($0) } : []
    return RuleWords.applied(new, isChanged: isChanged, lost: lost) + (try remember(new, nft, isChanged: isChanged))
  }

  /// Lets these ports be served no longer. With the last one the table goes, and the ruleset is as if it had never been.
  ///
  /// - Returns: what to tell, a line each.
  /// - Throws: what stands in the way; nothing was changed then.
  public static func remove(_ request: RuleRequest) throws(KernelRuleError) -> [String] {
    let nft = try Nft()
    let listing = try nft.listing()
    guard let listing, let old = try owned(listing) else {
      let ports = (RuleRecord.read()?.settings.ports ?? []).filter { !request.ports.contains($0) }
      // What was flushed is no longer missed.
      if ports.isEmpty { RuleRecord.remove() }
      return RuleWords.removed([], left: [], notApplied: request.ports)
    }
    let left = old.ports.filter { !request.ports.contains($0) }
    let gone = old.ports.filter { request.ports.contains($0) }
    var new = old
    new.ports = left
    if left.isEmpty {
      try nft.run(RuleScript.removal)
      RuleRecord.remove()
    } else if new != old {
      try nft.run(isIntact(listing) ? RuleScript.change(from: old, to: new) : RuleScript.replacement(new))
    }
    let notApplied = request.ports.filter { !old.ports.contains($0) }
    return RuleWords.removed(gone, left: left, notApplied: notApplied)
      + (left.isEmpty || gone.isEmpty ? [] : try remember(new, nft, isChanged: true))
  }

  /// The script that makes the table for these ports, to be kept in a file for nft(8).
  ///
  /// - Throws: too many ports.
  public static func script(_ request: RuleRequest) throws(KernelRuleError) -> String {
    let settings = request.added(to: nil)
    try checkNumber(of: settings.ports)
    return RuleScript.replacement(settings)
  }

  /// What the rule has done, and whether it is as it was applied.
  ///
  /// - Throws: what stands in the way of looking.
  public static func show() throws(KernelRuleError) -> RuleReport {
    let nft = try Nft()
    let listing = try nft.listing()
    let record = RuleRecord.read()
    guard let listing, let settings = listing.settings else {
      return RuleReport(settings: nil, tally: RuleTally([]), record: record?.settings, isForeign: listing != nil)
    }
    var lines: [String] = []
    for script in RuleTally.scripts { lines += try nft.run(script) }
    return RuleReport(
      settings: settings, tally: RuleTally(lines), record: record?.settings, isAltered: !isIntact(listing, record))
  }

  /// The ports whose replies are mended now, in the calling thread's network namespace. None where that cannot be seen, or
  /// where somebody has changed the table.
  public static func portsInForce() -> Set<UInt16> {
    guard Capability.networkAdmin.isEffective, let nft = try? Nft(), let listing = try? nft.listing(),
      let settings = listing.settings, isIntact(listing)
    else { return [] }
    return Set(settings.ports)
  }

  // MARK: Steps

  /// The settings of the table that is there; nil when there is none.
  private static func owned(_ listing: Listing?) throws(KernelRuleError) -> RuleSettings? {
    guard let listing else { return nil }
    guard let settings = listing.settings else { throw RuleWords.foreign }
    return settings
  }

  private static func isIntact(_ listing: Listing?, _ record: RuleRecord? = .read()) -> Bool {
    guard let listing else { return false }
    return listing.isIntact || record?.listing == listing.text
  }

  private static func checkNumber(of ports: [UInt16]) throws(KernelRuleError) {
    guard ports.count <= RuleSettings.mostPorts else {
      throw KernelRuleError(
        .usage,
        "\(ports.count) ports are too many for the kernel's rule, which has room for \(RuleSettings.mostPorts); "
          + "use the relay: multihomed relay --listen LOW-HIGH")
    }
  }

  /// Notes what is there now.
  ///
  /// - Returns: a warning, when it cannot be noted.
  private static func remember(
    _ settings: RuleSettings, _ nft: Nft, isChanged: Bool
  ) throws(KernelRuleError) -> [String] {
    if !isChanged, RuleRecord.read()?.settings == settings { return [] }
    let listing = try nft.listing()?.text ?? ""
    do throws(Errno) {
      try RuleRecord(settings, listing: listing).write()
      return []
    } catch {
      return [RuleWords.unnoted(error)]
    }
  }
}

extension RuleRequest {
  /// The settings once this is added to those that are; nil when there are none.
  package func added(to old: RuleSettings?) -> RuleSettings {
    let start = old ?? RuleSettings(ports: [])
    return RuleSettings(
      ports: start.ports + ports, clients: clients ?? start.clients, timeout: timeout ?? start.timeout, seed: start.seed
    )
  }
}
