public import Linux

/// What all clients of a server together may cost. Whoever is slow, or many, or endless, takes room from others like him
/// alone.
public struct Limits: Hashable, Sendable {
  /// Connections at once; more wait in the socket's queue.
  public var connections = 64
  /// Connections at once from one IP address; more are closed at once. Does not hold for Unix sockets.
  public var connectionsPerAddress = 16
  /// Bytes for what one client asks, its headers included; more is answered 413 or 414.
  public var memory = 32 << 10
  /// Without any progress for so long a connection is closed: whole seconds, at least 1.
  public var patience = Nanoseconds.seconds(5)
  /// So long after it came a connection is closed, whatever progress it makes.
  public var lifetime = Nanoseconds.seconds(30)
  /// Bytes of answers that are under way at once; beyond, but for one answer alone, 503 is answered.
  public var bytesUnderWay = 8 << 20

  /// The usual ones.
  public init() {}

  /// How many descriptors a server takes at most, its listening socket included: beside the connections' the epoll
  /// descriptor and its duplicate.
  public var descriptors: Int { connections + 3 }
}
