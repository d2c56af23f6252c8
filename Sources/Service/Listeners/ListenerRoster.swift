package import Linux

/// Which listeners there are and which are yet to come: the plan for the address plane's every change, as a value. It opens
/// nothing itself; it says what to do, and is told what came of it.
package struct ListenerRoster {
  /// What is to be done about one listener.
  package enum Action: Hashable, Sendable {
    /// Bind it and serve it.
    case open(ListenerKey)
    /// Its address is gone: send nothing from it.
    case suspend(ListenerKey)
    /// Its address is back: go on.
    case resume(ListenerKey)
    /// Its address did not come back.
    case close(ListenerKey)

    /// Whether it is the first.
    package var isOpening: Bool { if case .open = self { true } else { false } }

    /// Whether it is the last.
    package var isClosing: Bool { if case .close = self { true } else { false } }
  }

  /// An address that goes and comes back within this time finds its sessions as they were: a virtual address that flaps
  /// between two hosts, an interface that is set up anew.
  package static let grace = Nanoseconds.seconds(10)

  private enum Entry {
    case pending(Pending)
    case serving
    case suspended(until: Instant)
  }

  private struct Pending {
    var attempts: UInt64 = 0
    var reason: Errno?
    var retry: Instant?
  }

  private var entries: [ListenerKey: Entry] = [:]

  package init() {}

  /// Every listener that serves now.
  package var serving: [ListenerKey] {
    entries.compactMap { key, entry in if case .serving = entry { key } else { nil } }
  }

  /// Every listener, and whether it serves now.
  package var all: [(key: ListenerKey, isServing: Bool)] {
    entries.map { key, entry in if case .serving = entry { (key, true) } else { (key, false) } }
  }

  /// Every listener whose address is gone and may come back.
  package var suspended: [ListenerKey] {
    entries.compactMap { key, entry in if case .suspended = entry { key } else { nil } }
  }

  /// Every listener that could not be opened yet, with the reason.
  package var pending: [(key: ListenerKey, reason: Errno?)] {
    entries.compactMap { key, entry in if case .pending(let pending) = entry { (key, pending.reason) } else { nil } }
  }

  /// Whether it is there, in whatever state.
  package func knows(_ key: ListenerKey) -> Bool { entries[key] != nil }

  // MARK: What happens

  /// The addresses have changed, or may have become usable: this is what must be served now.
  package mutating func update(eligible: [ListenerKey], now: Instant) -> [Action] {
    let wanted = Set(eligible)
    var actions: [Action] = []
    for (key, entry) in entries where !wanted.contains(key) {
      switch entry {
      case .pending: entries[key] = nil
      case .serving:
        entries[key] = .suspended(until: now + Self.grace)
        actions.append(.suspend(key))
      case .suspended: break
      }
    }
    for key in eligible {
      switch entries[key] {
      case nil:
        entries[key] = .pending(Pending())
        actions.append(.open(key))
      case .pending: actions.append(.open(key))
      case .suspended:
        entries[key] = .serving
        actions.append(.resume(key))
      case .serving: break
      }
    }
    return actions
  }

  /// The configuration has changed: listeners that it does not want any more are closed at once, so that their ports are
  /// free. Those whose address is gone for a moment stay, if they are wanted when it comes back.
  package mutating func reconfigure(
    eligible: [ListenerKey], now: Instant, isWantedWhenBack: (ListenerKey) -> Bool
  ) -> [Action] {
    let wanted = Set(eligible)
    var actions: [Action] = []
    for (key, entry) in entries where !wanted.contains(key) {
      switch entry {
      case .suspended where isWantedWhenBack(key): continue
      case .pending: break
      case .serving, .suspended: actions.append(.close(key))
      }
      entries[key] = nil
    }
    return actions + update(eligible: eligible, now: now)
  }

  /// There may be none any more, at once: nothing is pending, and nobody waits for an address to come back.
  package mutating func clear() -> [Action] {
    defer { entries = [:] }
    return entries.compactMap { key, entry in if case .pending = entry { nil } else { .close(key) } }
  }

  /// A listener was opened.
  package mutating func opened(_ key: ListenerKey) { entries[key] = .serving }

  /// A listener was opened whose address is gone; if that does not come back, it is closed.
  package mutating func suspended(_ key: ListenerKey, now: Instant) {
    entries[key] = .suspended(until: now + Self.grace)
  }

  /// A listener could not be opened; it will be tried again.
  ///
  /// - Returns: whether this is news: its first failure, or one for another reason.
  package mutating func failed(_ key: ListenerKey, _ reason: Errno, now: Instant) -> Bool {
    guard case .pending(var pending) = entries[key] else { return false }
    let isNews = pending.reason != reason
    // An attempt that a ring of the doorbell has brought about does not count: rings come in bursts.
    let isEarly = pending.retry.map { now < $0 } ?? false
    if isNews || !isEarly {
      pending.attempts = isNews ? 1 : pending.attempts + 1
      pending.retry = Self.delay(after: pending.attempts, reason).map { now + $0 }
    }
    pending.reason = reason
    entries[key] = .pending(pending)
    return isNews
  }

  /// Time has passed: retries that are due, and addresses that did not come back.
  package mutating func due(now: Instant) -> [Action] {
    var actions: [Action] = []
    for (key, entry) in entries {
      switch entry {
      case .pending(let pending):
        if let retry = pending.retry, retry <= now { actions.append(.open(key)) }
      case .suspended(let until):
        if until <= now {
          entries[key] = nil
          actions.append(.close(key))
        }
      case .serving: break
      }
    }
    return actions
  }

  /// When to ask `due` next; nil when there is nothing to wait for.
  package var nextDeadline: Instant? {
    entries.values.compactMap { entry in
      switch entry {
      case .pending(let pending): pending.retry
      case .suspended(let until): until
      case .serving: nil
      }
    }.min()
  }

  /// How long to wait before another attempt; nil to wait for the doorbell alone.
  ///
  /// An address in duplicate address detection becomes usable within a few seconds, and the doorbell rings then; the timer
  /// is for the case that the ring came too early. An address that is refused longer than that has failed its detection:
  /// only a change will help it, so the process may sleep. A port held by another, and want of descriptors, end without
  /// any ring.
  private static func delay(after attempts: UInt64, _ reason: Errno) -> Nanoseconds? {
    let doubling = Nanoseconds.milliseconds(min(100 << min(attempts - 1, 7), 10_000))
    guard reason == .addressNotAvailable else { return doubling }
    return attempts < 8 ? doubling : nil
  }
}
