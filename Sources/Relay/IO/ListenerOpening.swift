public import Linux

/// A listener that a worker is to serve: a bound socket, and what belongs to it.
public struct ListenerOpening: Sendable {
  let socket: Socket
  let endpoint: Endpoint
  var backend: Endpoint
  let counters: ListenerCounters
  /// What the kernel has told so far of losses at the socket; nil when it is to be asked.
  var queueDrops: UInt32?

  /// - Parameters:
  ///   - socket: bound to one interface address; the worker keeps it until the listener is closed.
  ///   - endpoint: the address and port that it is bound to.
  ///   - backend: where datagrams asked of this listener go.
  ///   - counters: where they are counted. Not shared with another worker.
  public init(socket: Socket, endpoint: Endpoint, backend: Endpoint, counters: ListenerCounters) {
    self.socket = socket
    self.endpoint = endpoint
    self.backend = backend
    self.counters = counters
  }
}

/// Names a listener within one worker; given out by whoever opens it, never used twice.
public struct ListenerID: Hashable, Sendable {
  let number: UInt64

  /// A name.
  public init(_ number: UInt64) { self.number = number }
}
