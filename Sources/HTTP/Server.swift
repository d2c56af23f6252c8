import CMHD
public import EventLoop
public import Linux

/// Answers HTTP/1.1 (RFC 9112) in an event loop of ours, without a thread: libmicrohttpd over its epoll descriptor.
///
/// Bounded whatever clients do: see `Limits`. Only GET and HEAD are answered, PUT where something may be changed, one on each connection. Nothing that a client
/// sends but its request's headers is kept; a body is refused before it has come.
@safe
public final class Server {
  /// libmicrohttpd has more to do at once: then others of the loop have their turn first. Not 0: libuv runs a timer that is
  /// started anew with 0 in the same turn.
  private static let pause = Nanoseconds.milliseconds(1)
  /// Steps of libmicrohttpd's in a turn. In one it writes a piece of an answer to each client that can take it.
  private static let stepsPerTurn = 8
  /// For want of a descriptor a connection stays in the queue, and the queue readable: when to look again.
  private static let pauseForWant = Nanoseconds.milliseconds(250)

  private let socket: ListeningSocket
  private let limits: Limits
  private let router: Router
  private let answers: Answers
  private var daemon: OpaquePointer?
  private var bell: Bell?
  private var timer: Timer?
  /// When each connection is closed at the latest, by its descriptor.
  private var deadlines: [Int32: Instant] = [:]
  /// Connections so far, and those of them that have ended.
  private var accepted: UInt64 = 0
  private var finished: UInt64 = 0

  /// Begins to serve.
  ///
  /// - Parameters:
  ///   - socket: where; it is closed with the server.
  ///   - routes: who answers which path, as in `/metrics`. Every other one is answered 404.
  ///   - changes: who obeys PUT, without a body, of which path. All others are answered GET and HEAD alone.
  /// - Throws: EMFILE, ENFILE, ENOMEM.
  public init(
    _ loop: Loop, on socket: ListeningSocket, _ limits: Limits = Limits(), routes: [String: Handler],
    changes: [String: Handler] = [:]
  ) throws(Errno) {
    self.socket = socket
    self.limits = limits
    router = Router(routes: routes, changes: changes)
    answers = Answers(limit: limits.bytesUnderWay)
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe daemon = mh_http_start(
      socket.socket.descriptor, mh_http_limits(limits), hearRequest, hearConnection, context)
    guard let daemon = unsafe daemon else { throw .outOfMemory }
    do throws(Errno) {
      let descriptor = unsafe mh_http_epoll(daemon)
      bell = try Bell(loop, try Socket(duplicating: descriptor)) { [unowned self] _ in self.turn(isRung: true) }
      timer = try Timer(loop) { [unowned self] in self.turn(isRung: false) }
      answers.wake = { [unowned self] in timer?.start(after: .zero) }
    } catch {
      close()
      throw error
    }
  }

  deinit { close() }

  /// Where it listens.
  public var endpoint: ListeningSocket.Place { socket.place }

  /// Closes every connection, and the socket. Not to be called by a handler.
  public func close() {
    bell?.close()
    timer?.close()
    bell = nil
    timer = nil
    guard let daemon = unsafe daemon else { return }
    unsafe self.daemon = nil
    answers.giveUp()
    // Gives the socket back, which is ours to close.
    unsafe MHD_quiesce_daemon(daemon)
    unsafe MHD_stop_daemon(daemon)
    socket.close()
  }

  // MARK: Turns of the loop

  private func turn(isRung: Bool) {
    guard let daemon = unsafe daemon else { return }
    endOverdue()
    let (before, wasAlone) = (accepted, deadlines.isEmpty)
    var wait = 0 as UInt64?
    for _ in 0..<Self.stepsPerTurn where wait == 0 {
      let past = finished
      unsafe MHD_run(daemon)
      // With every connection taken, libmicrohttpd stops looking for whoever wants to come in, and begins again only in the
      // step after one has ended: nothing else would ring for that.
      wait = finished == past ? unsafe Self.wait(daemon) : 0
    }
    if !isRung { bell?.start() }
    // Nobody came, and there was nobody from whom it could be: somebody could not be let in.
    if isRung, wasAlone, accepted == before { return rest() }
    schedule(wait)
  }

  /// Milliseconds until libmicrohttpd wants to be called; nil: until there is something to read.
  private static func wait(_ daemon: OpaquePointer) -> UInt64? {
    var milliseconds: CUnsignedLongLong = 0
    guard unsafe MHD_get_timeout(daemon, &milliseconds) == .YES else { return nil }
    return UInt64(milliseconds)
  }

  private func schedule(_ wait: UInt64?) {
    var delays = wait.map { [max(.milliseconds($0), Self.pause)] } ?? []
    let now = Instant.now
    if let next = deadlines.values.min() { delays.append(max(next - now, Self.pause)) }
    if let delay = delays.min() { timer?.start(after: delay) } else { timer?.stop() }
  }

  private func rest() {
    bell?.stop()
    timer?.start(after: Self.pauseForWant)
  }

  /// Ends the connections whose time is up: they read as closed by their clients, and are closed in the next step.
  private func endOverdue() {
    let now = Instant.now
    for (descriptor, deadline) in deadlines where deadline <= now {
      Socket.shutDown(descriptor)
      // Once; it is about to go.
      deadlines[descriptor] = now + limits.lifetime
    }
  }

  // MARK: What libmicrohttpd tells

  fileprivate func began(_ descriptor: Int32) {
    accepted += 1
    deadlines[descriptor] = .now + limits.lifetime
  }

  fileprivate func ended(_ descriptor: Int32) {
    finished += 1
    deadlines[descriptor] = nil
  }

  /// - Returns: whether an answer is under way; otherwise the connection is closed.
  fileprivate func answer(_ connection: OpaquePointer, _ method: String, _ path: String) -> Bool {
    let asked = unsafe Asked(connection)
    let response = router.answer(method, path, hasBody: asked.hasBody) { asked.query }
    return unsafe answers.send(response, on: connection)
  }
}

extension mh_http_limits {
  fileprivate init(_ limits: Limits) {
    self.init(
      connections: UInt32(limits.connections), connections_per_address: UInt32(limits.connectionsPerAddress),
      memory: limits.memory, patience: UInt32(max(1, limits.patience.count / 1_000_000_000)))
  }
}

/// A connection has begun or ended (MHD_NotifyConnectionCallback).
private let hearConnection: MHD_NotifyConnectionCallback = { context, connection, _, what in
  guard let context = unsafe context, let connection = unsafe connection else { return }
  let server = unsafe Unmanaged<Server>.fromOpaque(context).takeUnretainedValue()
  let descriptor = unsafe mh_http_socket(connection)
  if what == .CONNECTION_NOTIFY_STARTED { server.began(descriptor) } else { server.ended(descriptor) }
}

/// A request's headers have come (MHD_AccessHandlerCallback). It is answered at once; what follows of a body is not taken.
private let hearRequest: MHD_AccessHandlerCallback = { context, connection, path, method, _, _, _, _ in
  guard let context = unsafe context, let connection = unsafe connection, let path = unsafe path,
    let method = unsafe method
  else { return .NO }
  let server = unsafe Unmanaged<Server>.fromOpaque(context).takeUnretainedValue()
  let isAnswered = unsafe server.answer(connection, String(cString: method), String(cString: path))
  return isAnswered ? .YES : .NO
}
