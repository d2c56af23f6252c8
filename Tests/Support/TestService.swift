import CSupport
import Glibc
public import Linux

/// A UDP service on a thread of its own that answers as simple services do: to whoever asked, from one socket, leaving the
/// source address to the kernel. It stops when this object goes.
public final class TestService: Sendable {
  /// How the service answers. By default it echoes at once.
  public struct Behaviour: Sendable {
    /// How many replies each datagram gets; 0 for a service that never answers.
    public var replies = 1
    /// How long each reply waits.
    public var delay = Nanoseconds(0)
    /// The size of a reply in bytes, made by cutting or repeating the request (an empty one: zeros); nil for its own.
    public var replySize: Int?
    /// SO_RCVBUF in bytes; nil for the kernel's default.
    public var receiveBuffer: Int32?
    /// Whether it takes trains whole (UDP_GRO), and answers them with trains (UDP_SEGMENT).
    public var trains = false

    /// An echo.
    public init() {}

    /// An echo that is changed in some way.
    public static func echo(_ change: (inout Behaviour) -> Void = { _ in }) -> Behaviour {
      var behaviour = Behaviour()
      change(&behaviour)
      return behaviour
    }
  }

  /// What the service has seen and done.
  public struct Tally: Hashable, Sendable {
    /// Datagrams received, those in trains counted one by one.
    public var received = 0
    /// Messages received: a train is one.
    public var messages = 0
    /// Datagrams sent.
    public var sent = 0
    /// Replies that the kernel refused.
    public var refused = 0
    /// The last message.
    public var last: UDPClient.Message?
    /// Everybody who has asked.
    public var clients: Set<Endpoint> = []
  }

  /// Where it listens; the port is the real one.
  public let endpoint: Endpoint
  /// The end of a pipe; a byte in it ends the thread.
  private let stopping: Socket
  private let record = Monitor(Tally())
  private let thread: Thread

  /// Starts a service; from now on it receives.
  ///
  /// - Parameters:
  ///   - endpoint: what its socket is bound to: the wildcard (`::` is dual-stack) or one address; port 0 lets the kernel
  ///     choose.
  ///   - namespace: where; nil for ours.
  /// - Throws: what `UDPClient.init` throws.
  public init(
    on endpoint: Endpoint, in namespace: NetworkNamespace? = nil, _ behaviour: Behaviour = Behaviour()
  ) throws(Errno) {
    let client = try UDPClient(
      in: namespace, from: endpoint, receivesTrains: behaviour.trains, receiveBuffer: behaviour.receiveBuffer)
    self.endpoint = Endpoint(endpoint.address, try client.localEndpoint().port)
    var ends: [Int32] = [0, 0]
    try check(unsafe mhs_pipe(&ends))
    let stopped = Socket(owning: ends[0])
    stopping = Socket(owning: ends[1])
    thread = try Thread(named: "service") { [record] in
      var server = Server(socket: client, stopped: stopped, behaviour: behaviour, record: record)
      server.run()
    }
  }

  deinit {
    _ = unsafe write(stopping.descriptor, "!", 1)
    // The service's socket is closed, and its port free, when this returns.
    thread.join()
    Spawner.waitForStarting()
  }

  /// What it has seen and done until now.
  public var tally: Tally { record.with { $0 } }

  /// Waits until the tally satisfies a condition.
  ///
  /// - Throws: `TestFailure` with the tally when it does not in time.
  @discardableResult
  public func waitForTally(
    within limit: Nanoseconds = .seconds(10), file: StaticString = #fileID, line: UInt = #line,
    where isMeant: (Tally) -> Bool
  ) throws -> Tally {
    if let tally = record.wait(within: limit, until: { isMeant($0) ? $0 : nil }) { return tally }
    throw TestFailure("the service at \(endpoint) got only so far: \(tally)", file: file, line: line)
  }
}

/// The service's thread.
private struct Server {
  let socket: UDPClient
  let stopped: Socket
  let behaviour: TestService.Behaviour
  let record: Monitor<TestService.Tally>
  /// All replies wait equally long, so they leave in the order in which they came.
  var waiting: [(due: Instant, message: UDPClient.Message)] = []
  var firstWaiting = 0

  mutating func run() {
    while true {
      // In steps, so that a flood cannot keep replies from leaving or the service from stopping.
      for _ in 0..<64 where !takeOne() { break }
      sendDue()
      if poll() { return }
    }
  }

  /// Waits for something to do; true when it is time to stop.
  private func poll() -> Bool {
    var limit: Int32 = -1
    if firstWaiting < waiting.count {
      limit = Int32(clamping: (waiting[firstWaiting].due - .now).millisecondsRoundedUp)
    }
    var entries = [stopped, socket.socket].map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    _ = unsafe Glibc.poll(&entries, 2, limit)
    return entries[0].revents != 0
  }

  /// Whether there was a message.
  private mutating func takeOne() -> Bool {
    // An error is an earlier reply that found nobody; a service of this kind does not care.
    guard let message = try? socket.receiveNow() else { return false }
    record.with { tally in
      tally.received += message.datagrams.count
      tally.messages += 1
      tally.last = message
      tally.clients.insert(message.from)
    }
    guard behaviour.replies > 0 else { return true }
    if behaviour.delay.count == 0 {
      answer(message)
    } else {
      waiting.append((.now + behaviour.delay, message))
    }
    return true
  }

  private mutating func sendDue() {
    let now = Instant.now
    while firstWaiting < waiting.count, waiting[firstWaiting].due <= now {
      answer(waiting[firstWaiting].message)
      firstWaiting += 1
    }
    if firstWaiting == waiting.count || firstWaiting > 10_000 {
      waiting.removeFirst(firstWaiting)
      firstWaiting = 0
    }
  }

  private func answer(_ message: UDPClient.Message) {
    let (bytes, segmentSize) = reply(to: message)
    let datagrams = segmentSize > 0 ? message.datagrams.count : 1
    for _ in 0..<behaviour.replies {
      do throws(Errno) {
        try socket.send(bytes, to: message.from, segmentSize: segmentSize)
        record.with { $0.sent += datagrams }
      } catch {
        record.with { $0.refused += datagrams }
      }
    }
  }

  private func reply(to message: UDPClient.Message) -> (bytes: [UInt8], segmentSize: Int) {
    guard let size = behaviour.replySize else {
      return (message.bytes, message.datagrams.count > 1 ? message.segmentSize : 0)
    }
    let request = message.bytes.isEmpty ? [0] : message.bytes
    return ((0..<size).map { request[$0 % request.count] }, 0)
  }
}
