import EventLoop
import Linux

/// The one socket of a multiplexing upstream.
final class MultiplexedUpstream: Readiness {
  var sending: SendingSocket
  /// The first of the addresses it sends from.
  let firstSource: UInt32
  /// The port it sends from.
  let port: UInt16
  var queueDrops = QueueDrops()
  private unowned(unsafe) var forwarder: Forwarder!

  /// - Parameter inherited: the socket of another process, for the same backend; nil for a new one.
  init(_ loop: Loop, _ plan: RelayPlan, sources: SourceRange, inherited: Socket?) throws(Errno) {
    let socket: Socket
    if let inherited {
      socket = inherited
    } else {
      socket = try Socket.multiplexedUpstream(backend: plan.backend, ports: plan.backendPorts)
    }
    if let bytes = plan.receiveQueue { try socket.setReceiveQueue(to: bytes) }
    sending = SendingSocket(socket, isIPv4: true, isConnected: false)
    firstSource = sources.first
    port = try socket.localEndpoint().port
    try super.init(loop, socket)
  }

  /// Begins to receive for a forwarder, which owns it.
  func begin(for forwarder: Forwarder) {
    unsafe self.forwarder = forwarder
    if !forwarder.isHeld { start() }
  }

  override func becameReadable() {
    unsafe forwarder.receiveReplies(from: self)
  }
}

/// The socket of one session of a connected upstream. It is closed with its session and never given to another: what still
/// waits in its queue is the old session's. For the same reason its port rests.
final class ConnectedUpstream: Readiness {
  let session: SessionIndex
  var sending: SendingSocket
  var queueDrops = QueueDrops()
  let port: UInt16
  private unowned(unsafe) let forwarder: Forwarder

  convenience init(
    _ loop: Loop, to backend: Endpoint, session: SessionIndex, now: Instant, forwarder: Forwarder
  ) throws(Errno) {
    try self.init(
      loop, taking: try RestingPorts.all.open(to: backend, now: now), session: session, forwarder: forwarder)
  }

  /// Takes a socket that is connected to the backend already.
  init(_ loop: Loop, taking socket: Socket, session: SessionIndex, forwarder: Forwarder) throws(Errno) {
    if let bytes = forwarder.receiveQueue { try socket.setReceiveQueue(to: bytes) }
    let local = try socket.localEndpoint()
    port = local.port
    self.session = session
    sending = SendingSocket(socket, isIPv4: local.address.isIPv4, isConnected: true)
    unsafe self.forwarder = forwarder
    try super.init(loop, socket)
  }

  override func becameReadable() {
    unsafe forwarder.receiveReplies(from: self)
  }
}

/// The sockets of a connected upstream, each under a number that its session keeps.
struct ConnectedUpstreams {
  private var upstreams: ContiguousArray<ConnectedUpstream?> = []
  private var free: ContiguousArray<UInt32> = []

  subscript(number: UInt32) -> ConnectedUpstream? { upstreams[Int(number)] }

  func forEach(_ body: (ConnectedUpstream) -> Void) { for case let upstream? in upstreams { body(upstream) } }

  mutating func add(_ upstream: ConnectedUpstream) -> UInt32 {
    if let number = free.popLast() {
      upstreams[Int(number)] = upstream
      return number
    }
    upstreams.append(upstream)
    return UInt32(upstreams.count - 1)
  }

  mutating func close(_ number: UInt32) {
    if let upstream = upstreams[Int(number)] {
      RestingPorts.all.rest(upstream.port, from: .now)
      upstream.close()
    }
    upstreams[Int(number)] = nil
    free.append(number)
  }
}
