package import Linux

/// What is known of a session at its end.
package struct EndedSession: BitwiseCopyable, Sendable {
  package let listener: ListenerIndex
  package let client: Endpoint
  package let created: Instant
  package let lastActive: Instant
  package let ended: Instant
  package let reason: EndReason
  package let toBackend: Traffic
  package let toClient: Traffic

  init(_ session: Session, _ reason: EndReason, _ now: Instant) {
    listener = session.listener
    client = session.client
    created = session.created
    lastActive = session.lastActive
    ended = now
    self.reason = reason
    toBackend = session.toBackend
    toClient = session.toClient
  }
}

/// Sessions that have ended, kept until the I/O shell has handed them on; none as long as nobody wants them.
package struct EndedSessions: Sendable {
  /// Far more than a batch or a step of housekeeping ends.
  private static let limit = 4_096

  private(set) package var all: ContiguousArray<EndedSession> = []
  /// How many there was no room for since they were last handed on.
  private(set) package var lost: UInt64 = 0

  /// Whether somebody wants them. The only place that allocates.
  package var areWanted = false {
    didSet { if areWanted { all.reserveCapacity(Self.limit) } else { all = [] } }
  }

  @inline(__always)
  mutating func add(_ session: Session, _ reason: EndReason, _ now: Instant) {
    if !areWanted { return }
    if all.count < Self.limit { all.append(EndedSession(session, reason, now)) } else { lost &+= 1 }
  }

  /// They have been handed on.
  package mutating func removeAll() {
    all.removeAll(keepingCapacity: true)
    lost = 0
  }
}
