import Linux

/// The kernel's rule: one nftables table that remembers for each client which address it asked, and lets the replies leave
/// from there. All of it in the network namespace that we are in.
public enum KernelRule {
  /// Lets these ports be served, beside those that are. What is remembered stays, unless an option changes or somebody has
  /// changed the table: then it is made anew, in one transaction.
  ///
  /// - Throws: what stands in the way; nothing was changed then.
  public static func apply(_ request: RuleRequest) throws(KernelRuleError) -> RuleAnswer {
    try checkNumber(of: request.ports)
    let nft = try Nft()
    let lock = try RuleLock.take(isFolderMade: true)
    defer { lock?.release() }
    let listing = try nft.listing()
    let old = try owned(listing)
    let new = request.added(to: old)
    guard new.ports.count <= RuleSettings.mostPorts else { throw RuleWords.tooManyTogether(new.ports.count) }
    let remaking = Self.remaking(of: listing, for: new)
    if let old, remaking == nil {
      if new != old { try nft.run(RuleScript.change(from: old, to: new)) }
    } else {
      try nft.run(RuleScript.replacement(new))
    }
    let record = RuleRecord.read()
    let isNoted = new == old && remaking == nil && record?.settings == new
    let warnings = isNoted ? unlocked(lock) : note(new, listing: nft.text)
    let lost = (record?.settings.ports ?? []).filter { !new.ports.contains($0) }
    return RuleAnswer(
      lines: RuleWords.applied(request.ports, from: old, to: new, remaking),
      notes: warnings + RuleWords.lost(lost) + RuleWords.idle(PortListeners.on(request.ports)))
  }

  /// Lets these ports be served no longer. With the last one the table goes, and the ruleset is as if it had never been.
  ///
  /// - Throws: what stands in the way; nothing was changed then.
  public static func remove(_ request: RuleRequest) throws(KernelRuleError) -> RuleAnswer {
    let nft = try Nft()
    let lock = try RuleLock.take(isFolderMade: true)
    defer { lock?.release() }
    let listing = try nft.listing()
    let old = try owned(listing)
    let gone = request.ports.filter { old?.ports.contains($0) ?? false }
    var remaking: Remaking?
    var left: [UInt16] = []
    if let old {
      var new = old
      new.ports = old.ports.filter { !gone.contains($0) }
      left = new.ports
      remaking = gone.isEmpty || left.isEmpty ? nil : Self.remaking(of: listing, for: new)
      if !gone.isEmpty { try nft.run(removal(from: old, to: new, remaking)) }
    }
    let notes = forget(request.ports, old, isChanged: !gone.isEmpty, nft)
    let warnings = notes.isEmpty ? unlocked(lock) : notes
    return RuleAnswer(lines: RuleWords.removed(gone, of: request.ports, left: left, remaking), notes: warnings)
  }

  /// The script that makes the table for these ports, to be kept in a file for nft(8).
  ///
  /// - Throws: too many ports.
  public static func script(_ request: RuleRequest) throws(KernelRuleError) -> String {
    try checkNumber(of: request.ports)
    return RuleScript.replacement(request.added(to: nil))
  }

  /// What the rule has done, and whether it is as it was applied.
  ///
  /// - Throws: what stands in the way of looking.
  public static func show() throws(KernelRuleError) -> RuleReport {
    let nft = try Nft()
    let lock = try RuleLock.take(isFolderMade: false)
    defer { lock?.release() }
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

  /// The ports whose replies are mended now, in the calling thread's network namespace: none where somebody has changed the
  /// table, nor where nft(8) is not here and nothing was noted of a rule.
  ///
  /// Nil where it cannot be seen: nft needs CAP_NET_ADMIN even to list, and the record tells neither that a rule is still
  /// there nor, since a printed script leaves none, that there is no rule.
  public static func portsInForce() -> Set<UInt16>? {
    guard let nft = try? Nft() else { return RuleRecord.read() == nil ? [] : nil }
    guard Capability.networkAdmin.isEffective else { return nil }
    do throws(KernelRuleError) {
      guard let listing = try nft.listing(), let settings = listing.settings, isIntact(listing) else { return [] }
      return Set(settings.ports)
    } catch {
      return nil
    }
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

  /// Why a table must be made anew to serve with these settings; nil where its ports can be changed, or there is none.
  private static func remaking(of listing: Listing?, for new: RuleSettings) -> Remaking? {
    guard let settings = listing?.settings else { return nil }
    if !isIntact(listing) { return .altered }
    return new.remembersLike(settings) ? nil : .options
  }

  private static func removal(from old: RuleSettings, to new: RuleSettings, _ remaking: Remaking?) -> String {
    if new.ports.isEmpty { return RuleScript.removal }
    return remaking == nil ? RuleScript.change(from: old, to: new) : RuleScript.replacement(new)
  }

  private static func checkNumber(of ports: [UInt16]) throws(KernelRuleError) {
    guard ports.count <= RuleSettings.mostPorts else { throw RuleWords.tooMany(ports.count) }
  }

  private static func unlocked(_ lock: FolderLock?) -> [String] { lock == nil ? [RuleWords.unlocked] : [] }

  // MARK: The record

  /// Notes what is to be there from now on, and how it is listed.
  ///
  /// - Returns: a warning, when it cannot be noted.
  private static func note(_ settings: RuleSettings, listing: String) -> [String] {
    do throws(Errno) {
      try RuleRecord(settings, listing: listing).write()
      return []
    } catch {
      return [RuleWords.unnoted(error)]
    }
  }

  /// Notes that some ports are not missed any more, whether they were in the table or somebody had flushed them. Others that
  /// somebody has flushed are still missed.
  ///
  /// - Parameters:
  ///   - old: the settings of the table as it was.
  ///   - isChanged: whether we have changed it. Otherwise the listing stays, too: somebody else may have.
  /// - Returns: a warning, when it cannot be noted.
  private static func forget(_ ports: [UInt16], _ old: RuleSettings?, isChanged: Bool, _ nft: Nft) -> [String] {
    let record = RuleRecord.read()
    let known = Set(old?.ports ?? []).union(record?.settings.ports ?? [])
    guard !known.isDisjoint(with: ports), var settings = old ?? record?.settings else { return [] }
    settings.ports = known.subtracting(ports).sorted()
    if !settings.ports.isEmpty { return note(settings, listing: isChanged ? nft.text : record?.listing ?? "") }
    RuleRecord.remove()
    return []
  }
}

extension Nft {
  /// How it lists the table now; an empty text when it does not.
  fileprivate var text: String { (try? listing())?.text ?? "" }
}
