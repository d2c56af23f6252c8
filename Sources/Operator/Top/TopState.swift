package import Linux

/// What `top` knows: the last look at a process, and what has become of the one before. A value; it looks at nothing itself.
package struct TopState {
  /// One look.
  package struct Look {
    let status: Status
    /// Those in which something moved last.
    let sessions: [Session]
    let time: Instant

    package init(status: Status, sessions: [Session], time: Instant) {
      self.status = status
      self.sessions = sessions
      self.time = time
    }
  }

  /// What a relay does in a second.
  struct Rates: Hashable, Sendable {
    var toBackend = Rate()
    var toClient = Rate()
    var newSessions = 0.0
    var losses = 0.0
  }

  /// Datagrams and bytes in a second.
  struct Rate: Hashable, Sendable {
    var datagrams = 0.0
    var bytes = 0.0
  }

  /// A session that is busy.
  struct Busy: Hashable, Sendable {
    let session: Session
    let toBackend: Rate
    let toClient: Rate
    var datagrams: Double { toBackend.datagrams + toClient.datagrams }
  }

  /// How many looks back are drawn.
  static let history = 60

  private(set) var look: Look?
  /// By relay; none before the second look.
  private(set) var rates: [String: Rates] = [:]
  /// Datagrams a second both ways, by relay, the newest last.
  package private(set) var past: [String: [Double]] = [:]
  /// The busiest first.
  private(set) var busiest: [Busy] = []
  /// Why the last look failed; nil when it did not.
  var trouble: String?

  /// Nothing is known yet.
  package init() {}

  /// Takes another look in.
  package mutating func take(_ next: Look) {
    defer { look = next }
    trouble = nil
    // Another process begins anew.
    guard let last = look, last.status.pid == next.status.pid, last.status.started == next.status.started else {
      (rates, past, busiest) = ([:], [:], [])
      return
    }
    let seconds = Double((next.time - last.time).count) / 1e9
    guard seconds > 0 else { return }
    let before = Dictionary(last.status.relays.map { ($0.name, $0) }) { first, _ in first }
    var counted: [String: Rates] = [:]
    for relay in next.status.relays {
      let rates = before[relay.name].map { Rates(from: $0, to: relay, seconds) } ?? Rates()
      counted[relay.name] = rates
      past[relay.name, default: []].append(rates.toBackend.datagrams + rates.toClient.datagrams)
      past[relay.name] = past[relay.name]?.suffix(Self.history)
    }
    rates = counted
    past = past.filter { counted[$0.key] != nil }
    noteBusiest(last, next, seconds)
  }

  private mutating func noteBusiest(_ last: Look, _ next: Look, _ seconds: Double) {
    let before = Dictionary(last.sessions.map { ($0.key, $0) }) { first, _ in first }
    busiest = next.sessions.map { session in
      // One that was not among the last look's has either begun since, or not moved for a while.
      var earlier = before[session.key]
      if let known = earlier, known.toBackend.datagrams > session.toBackend.datagrams { earlier = nil }
      let isNew = earlier == nil && session.age <= seconds
      return Busy(
        session: session,
        toBackend: Rate(
          from: earlier?.toBackend ?? (isNew ? .init() : session.toBackend), to: session.toBackend, seconds),
        toClient: Rate(from: earlier?.toClient ?? (isNew ? .init() : session.toClient), to: session.toClient, seconds))
    }
    .filter { $0.datagrams > 0 }
    .sorted { ($1.datagrams, $0.session.key.client) < ($0.datagrams, $1.session.key.client) }
  }
}

extension TopState.Rates {
  init(from before: Status.Relay, to after: Status.Relay, _ seconds: Double) {
    toBackend = TopState.Rate(from: before.toBackend, to: after.toBackend, seconds)
    toClient = TopState.Rate(from: before.toClient, to: after.toClient, seconds)
    newSessions = Double(max(0, after.created - before.created)) / seconds
    losses = Double(max(0, after.losses - before.losses)) / seconds
  }
}

extension TopState.Rate {
  init(from before: Status.Flow, to after: Status.Flow, _ seconds: Double) {
    datagrams = Double(max(0, after.datagrams - before.datagrams)) / seconds
    bytes = Double(max(0, after.bytes - before.bytes)) / seconds
  }
}
