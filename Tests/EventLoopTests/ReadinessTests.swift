import EventLoop
import Linux
import Testing

/// What the event loop does with sockets, and above all with their errors.
struct ReadinessTests {
  /// Counts what it reads, and stops the loop when it has read enough.
  final class Reader: Readiness {
    private let loop: Loop
    private var batch: ReceiveBatch
    private let enough: Int
    var read = 0
    var errors: [Errno] = []
    var afterEachRound: () -> Void = {}

    init(_ loop: Loop, _ socket: Socket, enough: Int) throws(Errno) {
      self.loop = loop
      self.enough = enough
      batch = try ReceiveBatch()
      try super.init(loop, socket)
    }

    override func becameReadable() {
      do throws(Errno) { read += try batch.receive(from: socket.descriptor) } catch {
        if error != .again { errors.append(error) }
      }
      afterEachRound()
      if read >= enough { loop.stop() }
    }
  }

  /// Stops the loop when an event does not come.
  func limited(_ loop: Loop, _ limit: Nanoseconds = .seconds(10)) throws -> Timer {
    let timer = try Timer(loop) { loop.stop() }
    timer.start(after: limit)
    return timer
  }

  func send(_ socket: Socket, to peer: Endpoint? = nil) throws {
    var batch = SendBatch()
    let source = try ReceiveBatch()
    batch.begin(to: peer, isIPv4: true, options: SendBatch.Options())
    batch.attach(0, of: source, length: 3)
    _ = try batch.send(on: socket.descriptor, from: 0)
  }

  @Test func anICMPErrorDoesNotStopThePolling() throws {
    let loop = try Loop()
    defer { loop.closeAll() }
    // A service that is gone when it is asked, and back afterwards.
    let backend = try Socket.service(on: Endpoint(.loopbackIPv4, 0)).localEndpoint()
    let upstream = try Socket.connectedUpstream(to: backend)
    let reader = try Reader(loop, upstream, enough: 1)
    let timer = try limited(loop)
    try send(upstream)
    reader.start()
    var service: Socket?
    reader.afterEachRound = { [client = try upstream.localEndpoint()] in
      guard service == nil, !reader.errors.isEmpty else { return }
      service = try? Socket.service(on: backend)
      if let service { try? self.send(service, to: client) }
    }
    loop.run()
    reader.afterEachRound = {}

    #expect(timer.isRunning)
    #expect(reader.errors == [.connectionRefused])
    #expect(reader.read == 1)
  }

  @Test func aClosedReadinessIsNotCalledAndItsDescriptorIsClosedAfterIt() throws {
    let loop = try Loop()
    var socket: Socket? = try Socket.service(on: Endpoint(.loopbackIPv4, 0))
    let endpoint = try #require(try socket?.localEndpoint())
    var reader: Reader? = try Reader(loop, try #require(socket), enough: 1)
    reader?.start()
    try send(try Socket.connectedUpstream(to: endpoint))
    reader?.close()
    loop.closeAll()
    #expect(reader?.read == 0)
    reader = nil
    socket = nil
    // The endpoint is free again: nothing has kept the descriptor.
    _ = try Socket.service(on: endpoint)
  }

  @Test func betweenTheStepsOfATimerSocketsAreRead() throws {
    let loop = try Loop()
    defer { loop.closeAll() }
    let service = try Socket.service(on: Endpoint(.loopbackIPv4, 0))
    let client = try Socket.connectedUpstream(to: try service.localEndpoint())
    let reader = try Reader(loop, service, enough: 20)
    reader.start()
    var readAtStep: [Int] = []
    var timer: Timer?
    timer = try Timer(loop) {
      readAtStep.append(reader.read)
      try? self.send(client)
      if readAtStep.count < 20 { timer?.start(after: .milliseconds(1)) }
    }
    timer?.start(after: .milliseconds(1))
    loop.run()
    #expect(readAtStep == Array(0..<20))
    timer = nil
  }

  @Test func aTimerNeverFiresTooEarly() throws {
    let loop = try Loop()
    defer { loop.closeAll() }
    let begin = Instant.now
    var fired: [Instant] = []
    let timer = try Timer(loop) {
      fired.append(.now)
      loop.stop()
    }
    timer.start(after: Nanoseconds(20_400_000))
    loop.run()
    #expect(fired.count == 1)
    #expect(try #require(fired.first) - begin >= Nanoseconds(20_400_000))
    #expect(!timer.isRunning)
  }

  @Test func aWakeupFromAnotherThreadRunsOnTheLoop() throws {
    let loop = try Loop()
    defer { loop.closeAll() }
    var calls = 0
    let wakeup = try Wakeup(loop) {
      calls += 1
      loop.stop()
    }
    let thread = try Thread(named: "caller") { wakeup.send() }
    loop.run()
    thread.join()
    #expect(calls >= 1)
  }
}
