import Linux

// What one process leaves to the next: numbers of fixed size in a fixed order. Whoever changes any of it changes
// `SavedRelays.version`, too.

/// A session. All zero stands for the end of a list of them: no session was created at the boot.
struct SavedSession: BitwiseCopyable {
  private static let repliedFlag: UInt32 = 1
  private static let awaitingFlag: UInt32 = 2

  private var client = SavedEndpoint()
  private var lastActive: UInt64 = 0
  private var created: UInt64 = 0
  private var toBackend: (datagrams: UInt64, bytes: UInt64) = (0, 0)
  private var toClient: (datagrams: UInt64, bytes: UInt64) = (0, 0)
  /// Its listener's place in the list that comes before the sessions.
  var listener: UInt32 = 0
  /// Multiplexing: the number of its source address. Connected: the place of its socket among those handed over.
  var upstream: UInt32 = 0
  private var replies: UInt32 = 0
  private var flags: UInt32 = 0
  /// Connected: what the kernel has told of losses in its socket's queue.
  var queueDrops: UInt32 = 0
  /// No padding: what lies in it would be anything.
  private var unused: UInt32 = 0

  static let end = SavedSession()

  private init() {}

  init(_ session: Session, listener: UInt32, upstream: UInt32, queueDrops: UInt32) {
    client = SavedEndpoint(session.client)
    lastActive = session.lastActive.nanoseconds
    created = session.created.nanoseconds
    toBackend = (session.toBackend.datagrams, session.toBackend.bytes)
    toClient = (session.toClient.datagrams, session.toClient.bytes)
    self.listener = listener
    self.upstream = upstream
    self.queueDrops = queueDrops
    replies = session.replies
    flags =
      (session.state == .replied ? Self.repliedFlag : 0) | (session.isAwaiting ? Self.awaitingFlag : 0)
  }

  var isEnd: Bool { created == 0 }
  var key: Endpoint { client.endpoint }
  var began: Instant { Instant(nanoseconds: created) }
  var isReplied: Bool { flags & Self.repliedFlag != 0 }
  var isAwaiting: Bool { flags & Self.awaitingFlag != 0 }

  /// Gives a session that has just begun what this one had.
  func restore(_ session: inout Session) {
    session.lastActive = Instant(nanoseconds: lastActive)
    session.toBackend = Traffic(datagrams: toBackend.datagrams, bytes: toBackend.bytes)
    session.toClient = Traffic(datagrams: toClient.datagrams, bytes: toClient.bytes)
    session.replies = replies
  }
}

/// An endpoint.
struct SavedEndpoint: BitwiseCopyable, Hashable {
  private var high: UInt64 = 0
  private var low: UInt64 = 0
  private var scope: UInt32 = 0
  private var port: UInt32 = 0

  init() {}

  init(_ endpoint: Endpoint) {
    (high, low, scope) = (endpoint.address.high, endpoint.address.low, endpoint.address.scope)
    port = UInt32(endpoint.port)
  }

  var endpoint: Endpoint { Endpoint(IPAddress(v6: high, low, scope: scope), UInt16(truncatingIfNeeded: port)) }
}

/// What a relay's sessions cannot go on without.
public struct SavedPlan: BitwiseCopyable, Hashable, Sendable {
  private let backend: SavedEndpoint
  private let lastPort: UInt32
  /// The first source address, and how many there are; 0 for a connected upstream.
  private let firstSource: UInt32
  private let sources: UInt64
  private let maxSessions: UInt64

  var isMultiplexed: Bool { sources > 0 }

  /// What of a plan must be the same.
  public init(_ plan: RelayPlan) {
    backend = SavedEndpoint(Endpoint(plan.backend, plan.backendPorts.lowerBound))
    lastPort = UInt32(plan.backendPorts.upperBound)
    maxSessions = UInt64(plan.maxSessions)
    switch plan.upstream {
    case .multiplexed(let range): (firstSource, sources) = (range.first, UInt64(range.count))
    case .connected: (firstSource, sources) = (0, 0)
    }
  }
}
