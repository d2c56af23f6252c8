public import Linux

/// A session as it is now.
public struct SessionRow: Hashable, Sendable {
  /// As whom the backend sees the client.
  public enum Upstream: Hashable, Sendable {
    /// By a source address of its own.
    case source(IPAddress)
    /// By a port of its own of this host's.
    case port(UInt16)
    /// Not at all yet.
    case none
  }

  /// Who asked.
  public let client: Endpoint
  /// What was asked.
  public let asked: Endpoint
  /// When it began.
  public let began: Instant
  /// When the last datagram came, in either direction.
  public let lastActive: Instant
  /// What its client sent.
  public let toBackend: Traffic
  /// What the backend sent.
  public let toClient: Traffic
  /// Whether the backend has ever answered.
  public let isReplied: Bool
  /// As whom the backend sees the client.
  public let upstream: Upstream

  package init(
    client: Endpoint, asked: Endpoint, began: Instant, lastActive: Instant, toBackend: Traffic, toClient: Traffic,
    isReplied: Bool, upstream: Upstream
  ) {
    self.client = client
    self.asked = asked
    self.began = began
    self.lastActive = lastActive
    self.toBackend = toBackend
    self.toClient = toClient
    self.isReplied = isReplied
    self.upstream = upstream
  }

  init(_ session: Session, asked: Endpoint, upstream: Upstream) {
    self.asked = asked
    self.upstream = upstream
    client = session.client
    began = session.created
    lastActive = session.lastActive
    toBackend = session.toBackend
    toClient = session.toClient
    isReplied = session.state == .replied
  }
}

/// Which sessions somebody wants to see.
public struct SessionFilter: Hashable, Sendable {
  /// Whose; nil for anybody's.
  public var client: EndpointPattern?
  /// Asked where; nil for anywhere.
  public var asked: EndpointPattern?
  /// Those that the backend has answered, or those that it has not; nil for both.
  public var isReplied: Bool?

  /// All of them.
  public init() {}

  func admits(_ session: Session) -> Bool {
    if let isReplied, isReplied != (session.state == .replied) { return false }
    return client?.matches(session.client) ?? true
  }

  func admits(asked: Endpoint) -> Bool { self.asked?.matches(asked) ?? true }
}

/// A part of a worker's sessions of one relay.
public struct SessionPage: Sendable {
  /// How many places of a table make one: some 100 us of work, so that no datagram waits for longer.
  package static let places = 4_096

  /// Those that were asked for.
  public var rows: [SessionRow] = []
  /// Where the next part begins; nil when this was the last.
  public var next: Int?

  /// None, and nothing more to come.
  public init() {}
}
