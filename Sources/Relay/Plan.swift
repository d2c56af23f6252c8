public import Linux

/// Names a relay within one process; given out by the control plane, never used twice.
public struct RelayID: Hashable, Comparable, Sendable {
  /// Its number: the later given out, the larger.
  public let number: Int

  /// A name.
  public init(_ number: Int) { self.number = number }

  /// Whether it was given out earlier.
  public static func < (a: RelayID, b: RelayID) -> Bool { a.number < b.number }
}

/// What one worker needs to know to run one relay: a value, made by the control plane.
public struct RelayPlan: Hashable, Sendable {
  /// How the backend is reached.
  public enum Upstream: Sendable, Hashable {
    /// One socket; every session has a source address of its own.
    case multiplexed(SourceRange)
    /// One connected socket a session.
    case connected
  }

  /// The relay's name, as metrics and logs show it.
  public var name: String
  /// The backend's address.
  public var backend: IPAddress
  /// The backend's ports: one, or as many as the relay listens on.
  public var backendPorts: ClosedRange<UInt16>
  /// How the backend is reached.
  public var upstream: Upstream
  /// When sessions end. The only thing that may change while the relay runs.
  public var ends: SessionEnds
  /// The most sessions that this worker keeps, at least 1.
  public var maxSessions: Int
  /// How many bytes the upstream's receive queues hold; nil leaves them as they are opened.
  public var receiveQueue: Int?

  /// A plan in all its parts.
  public init(
    name: String, backend: IPAddress, backendPorts: ClosedRange<UInt16>, upstream: Upstream,
    idleTimeout: Nanoseconds = .seconds(60), unrepliedTimeout: Nanoseconds = .seconds(30),
    maxSessions: Int = 1 << 20, responses: UInt32 = 0
  ) {
    self.name = name
    self.backend = backend
    self.backendPorts = backendPorts
    self.upstream = upstream
    ends = SessionEnds(idleTimeout: idleTimeout, unrepliedTimeout: unrepliedTimeout, responses: responses)
    self.maxSessions = maxSessions
  }
}

/// When sessions end by themselves.
public struct SessionEnds: Hashable, Sendable {
  /// A session that was answered ends after so long without a datagram in either direction.
  public var idleTimeout: Nanoseconds
  /// A session that was never answered ends after so long.
  public var unrepliedTimeout: Nanoseconds
  /// A session ends after so many replies; 0: never.
  public var responses: UInt32

  /// All three.
  public init(idleTimeout: Nanoseconds, unrepliedTimeout: Nanoseconds, responses: UInt32) {
    self.idleTimeout = idleTimeout
    self.unrepliedTimeout = unrepliedTimeout
    self.responses = responses
  }
}

/// A run of IPv4 addresses that the multiplexing upstream sends from.
public struct SourceRange: Sendable, Hashable {
  /// The first address, most significant byte first.
  public let first: UInt32
  /// How many there are, at least 1.
  public let count: Int

  /// A run of addresses.
  public init(first: UInt32, count: Int) {
    precondition(count > 0 && UInt64(first) + UInt64(count) <= 1 << 32)
    self.first = first
    self.count = count
  }

  /// One of so many equal shares, numbered from 0, so that no two workers ever use the same address. There must be at
  /// least as many addresses as shares.
  public func share(_ number: Int, of shares: Int) -> SourceRange {
    let size = count / shares
    return SourceRange(first: first + UInt32(number * size), count: size)
  }

  /// Every address of a block but lo's broadcast address, from which nothing can be sent.
  public init(_ block: CIDR) {
    let size = 1 << (32 - block.prefixLength)
    self.init(first: block.base.v4, count: block.contains(IPAddress(v4: 0x7fff_ffff)) ? size - 1 : size)
  }

  /// The block that is used when nobody says otherwise: 127.64.0.0/10, or, when a quarter of it could not hold all
  /// sessions, 127.1.0.0 to 127.255.255.254 (127.255.255.255 is lo's broadcast address).
  ///
  /// Three quarters stay for addresses in quarantine.
  public static func standard(maxSessions: Int) -> SourceRange {
    let usual = SourceRange(first: 0x7f40_0000, count: 1 << 22)
    return maxSessions <= usual.count / 4 ? usual : SourceRange(first: 0x7f01_0000, count: (1 << 24) - (1 << 16) - 1)
  }

  /// Whether an address belongs to it.
  @inline(__always)
  package func contains(_ address: IPAddress) -> Bool {
    address.isIPv4 && address.v4 >= first && UInt64(address.v4) < UInt64(first) + UInt64(count)
  }
}
