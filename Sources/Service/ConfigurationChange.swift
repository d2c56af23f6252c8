package import Relay

/// What is different in a new configuration, relay by relay. A relay is known by its name.
package struct ConfigurationChange {
  /// New, or such that their sessions cannot go on: another backend, another way to it, another size of the table.
  package private(set) var begun: [RelayConfiguration] = []
  /// The same, though what they listen on, and when sessions end, may differ.
  package private(set) var kept: [RelayConfiguration] = []
  package private(set) var ended: [RelayID] = []
  /// What holds for the process, and cannot change while it runs.
  package private(set) var waiting: [Setting] = []

  /// Compares.
  ///
  /// - Parameter plans: makes a relay's plans.
  package init(
    from old: ProcessConfiguration, to new: ProcessConfiguration, _ plans: (RelayConfiguration) -> [RelayPlan]
  ) {
    let before = Dictionary(uniqueKeysWithValues: old.relays.map { ($0.id, $0) })
    for relay in new.relays {
      if let earlier = before[relay.id], relay.canContinue(earlier, plans) {
        kept.append(relay)
      } else {
        begun.append(relay)
      }
    }
    let after = Set(new.relays.map(\.id))
    ended = old.relays.map(\.id).filter { !after.contains($0) }
    if old.workers != new.workers { waiting.append(.workers) }
    if old.busyPoll != new.busyPoll { waiting.append(.busyPoll) }
    if old.admin != new.admin { waiting.append(.admin) }
    if old.receiveBuffer != new.receiveBuffer { waiting.append(.receiveBuffer) }
  }
}

extension ProcessConfiguration {
  /// Gives the relays the identities of those that had their names; the others get new ones.
  package mutating func takeIdentities(of old: ProcessConfiguration, next: inout Int) {
    let known = Dictionary(uniqueKeysWithValues: old.relays.map { ($0.name, $0.id) })
    for number in relays.indices {
      if let id = known[relays[number].name] {
        relays[number].id = id
      } else {
        relays[number].id = RelayID(next)
        next += 1
      }
    }
  }
}

extension RelayConfiguration {
  /// Whether the sessions of an earlier one of this name can go on.
  fileprivate func canContinue(_ earlier: RelayConfiguration, _ plans: (RelayConfiguration) -> [RelayPlan]) -> Bool {
    let (ours, theirs) = (plans(self), plans(earlier))
    // Each port of a range has its own of the backend's.
    if let first = ours.first, first.backendPorts.count > 1, listen != earlier.listen { return false }
    return zip(ours, theirs).allSatisfy { ours, theirs in
      var same = theirs
      same.ends = ours.ends
      return ours == same
    }
  }
}
