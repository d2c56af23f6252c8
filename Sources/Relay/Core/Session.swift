package import Linux

/// Where a session lies in its table.
package struct SessionIndex: Hashable, BitwiseCopyable, Sendable {
  package let number: UInt32

  @inline(__always)
  package init(_ number: UInt32) { self.number = number }

  /// The end of a chain.
  package static let none = SessionIndex(.max)

  @inline(__always)
  var position: Int { Int(number) }
}

/// Which listener of a worker, by its place in the relay's listener table.
package struct ListenerIndex: Hashable, BitwiseCopyable, Sendable {
  package let number: UInt32

  package init(_ number: UInt32) { self.number = number }

  @inline(__always)
  var position: Int { Int(number) }
}

/// Datagrams of one direction of a session, and their payload's bytes.
public struct Traffic: BitwiseCopyable, Hashable, Sendable {
  /// Datagrams, those in trains counted one by one.
  public internal(set) var datagrams: UInt64 = 0
  /// Bytes of their payload.
  public internal(set) var bytes: UInt64 = 0

  /// None.
  public init() {}

  package init(datagrams: UInt64, bytes: UInt64) {
    self.datagrams = datagrams
    self.bytes = bytes
  }

  @inline(__always)
  mutating func add(_ message: ReceivedMessage) {
    datagrams &+= UInt64(message.datagrams)
    bytes &+= UInt64(message.length)
  }
}

/// One (listener, client) pair.
package struct Session: BitwiseCopyable {
  /// Which recency list a session is in.
  enum State: UInt8, BitwiseCopyable {
    case free
    case unreplied
    case replied
  }

  /// No socket towards the backend yet (connected upstream).
  static let noUpstream = UInt32.max

  package var client: Endpoint
  package var listener: ListenerIndex
  /// The bits of the key's hash that place the session in the table.
  var hash: UInt32
  /// The neighbours in the recency list; `newer` also chains free sessions.
  package var newer = SessionIndex.none
  var older = SessionIndex.none
  var lastActive: Instant
  let created: Instant
  var toBackend = Traffic()
  var toClient = Traffic()
  /// Multiplexing: the number of its source address. Connected: the I/O shell's number of its socket.
  var upstream = noUpstream
  /// Tells this session from earlier ones in the same place.
  let generation: UInt32
  var replies: UInt32 = 0
  /// The train of the current batch that takes its datagrams, if that train is its own.
  var train: UInt8 = 0
  var state = State.unreplied
  /// Whether its client was the last to speak.
  var isAwaiting = false

  /// Notes what its client sent.
  @inline(__always)
  mutating func noteRequest(_ message: ReceivedMessage, now: Instant) {
    toBackend.add(message)
    lastActive = now
  }

  /// Notes what the backend sent.
  @inline(__always)
  mutating func noteReply(_ message: ReceivedMessage, now: Instant) {
    toClient.add(message)
    lastActive = now
    replies &+= UInt32(message.datagrams)
  }
}
