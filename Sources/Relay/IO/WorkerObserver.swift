public import Linux

/// Who hears what workers meet. Called on their threads, and so must be quick, and must not wait for anybody.
public protocol WorkerObserver: Sendable {
  /// Something went wrong, and was survived. May come with every datagram.
  func met(_ trouble: Trouble, in relay: RelayID)

  /// The kernel lost datagrams because a receive queue was full. Rarely: it tells with the next datagram that it takes.
  ///
  /// - Parameter queue: whose.
  func lost(_ datagrams: UInt64, at queue: ReceiveQueue, in relay: RelayID)

  /// Sessions have ended; only called when that is wanted.
  ///
  /// - Parameter lost: how many more there were than room to note them.
  func ended(_ sessions: [SessionEnd], lost: UInt64, in relay: RelayID)
}

/// A socket's receive queue.
public enum ReceiveQueue: Hashable, Sendable {
  /// A listener's.
  case listener(Endpoint)
  /// That of an upstream, in which replies wait.
  case upstream
}

/// A session that has ended.
public struct SessionEnd: Hashable, Sendable {
  /// Who asked.
  public let client: Endpoint
  /// What was asked.
  public let asked: Endpoint
  /// When it began.
  public let began: Instant
  /// When the last datagram came, in either direction.
  public let lastActive: Instant
  /// When it ended.
  public let ended: Instant
  /// Why.
  public let reason: EndReason
  /// What its client sent.
  public let toBackend: Traffic
  /// What the backend sent.
  public let toClient: Traffic

  init(_ session: EndedSession, asked: Endpoint) {
    self.asked = asked
    client = session.client
    began = session.created
    lastActive = session.lastActive
    ended = session.ended
    reason = session.reason
    toBackend = session.toBackend
    toClient = session.toClient
  }
}
