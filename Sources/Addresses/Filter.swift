public import Linux

/// Says which interface addresses are eligible: those that we may listen on.
///
/// An address is eligible when all of this holds:
/// - its interface is up, its family counts, and it is neither a wildcard nor multicast;
/// - it is not loopback (127.0.0.0/8, ::1), unless loopback is included. Any other address counts wherever it lies: an
///   anycast or virtual address on lo, such as 192.0.2.1/32, is eligible;
/// - among the interface rules, some including rule matches, or there is none; and no excluding rule matches;
/// - the same among the address rules.
///
/// The order of the rules has no meaning: what one rule excludes, no other brings back.
public struct AddressFilter: Hashable, Sendable {
  /// Rules for the names of interfaces.
  public let interfaces: [InterfaceRule]
  /// Rules for addresses.
  public let addresses: [AddressRule]
  /// The families that count.
  public let families: AddressFamilies
  /// Whether 127.0.0.0/8 and ::1 count.
  public let includesLoopback: Bool

  /// A filter; without arguments, every address but loopback.
  public init(
    interfaces: [InterfaceRule] = [], addresses: [AddressRule] = [], families: AddressFamilies = .both,
    includesLoopback: Bool = false
  ) {
    self.interfaces = interfaces
    self.addresses = addresses
    self.families = families
    self.includesLoopback = includesLoopback
  }

  /// Whether we may listen on this address.
  public func isEligible(_ candidate: InterfaceAddress) -> Bool {
    let address = candidate.address
    guard candidate.isUp, families.contains(address), !address.isWildcard, !address.isMulticast else { return false }
    guard includesLoopback || !address.isLoopback else { return false }
    return passes(interfaces, excludes: \.excludes) { $0.matches(candidate.interface) }
      && passes(addresses, excludes: \.excludes) { $0.matches(address) }
  }

  /// The eligible addresses, each once, in the snapshot's order.
  public func eligibleAddresses(in snapshot: Snapshot) -> [IPAddress] {
    var seen: Set<IPAddress> = []
    return snapshot.addresses.filter(isEligible).map(\.address).filter { seen.insert($0).inserted }
  }

  /// The including interface rules that no interface of the snapshot matches: most likely misspelt.
  public func rulesMatchingNoInterface(in snapshot: Snapshot) -> [InterfaceRule] {
    interfaces.filter { rule in !rule.excludes && !snapshot.interfaces.contains(where: rule.matches) }
  }

  private func passes<Rule>(_ rules: [Rule], excludes: (Rule) -> Bool, _ matches: (Rule) -> Bool) -> Bool {
    var includes = true
    for rule in rules {
      if excludes(rule) {
        if matches(rule) { return false }
      } else {
        includes = false
      }
    }
    return includes || rules.contains { !excludes($0) && matches($0) }
  }
}
