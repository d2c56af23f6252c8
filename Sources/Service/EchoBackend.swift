import EventLoop
import Linux

/// The built-in backend: a service of its own on 127.0.0.1 that sends every datagram back. A real socket, so that what is
/// tried with it is the way that every datagram goes.
final class EchoBackend: @unchecked Sendable {
  /// Where it listens.
  let endpoint: Endpoint

  /// Bound to it.
  let socket: Socket

  private let loop: Loop
  private let echo: Echo
  private var wakeup: Wakeup?
  private var thread: Thread?

  /// Starts the thread.
  ///
  /// - Parameter inherited: the socket of another one; nil for a free port of 127.0.0.1.
  /// - Throws: EMFILE, ENOMEM, EAGAIN.
  init(_ inherited: Socket? = nil) throws(Errno) {
    if let inherited { socket = inherited } else { socket = try Socket.service(on: Endpoint(.loopbackIPv4, 0)) }
    endpoint = try socket.localEndpoint()
    let loop = try Loop()
    self.loop = loop
    echo = try Echo(loop, socket)
    wakeup = try Wakeup(loop) { loop.stop() }
    echo.start()
    thread = try Thread(named: "echo") { [self] in
      self.loop.run()
      self.loop.closeAll()
    }
  }

  /// Ends the thread and waits for it; once is enough.
  func stop() {
    guard let thread else { return }
    wakeup?.send()
    thread.join()
    self.thread = nil
  }

  private final class Echo: Readiness {
    /// Then the loop looks whether it is to end.
    private static let batchesPerTurn = 4

    private var received: ReceiveBatch
    private var batch = SendBatch()

    override init(_ loop: Loop, _ socket: Socket) throws(Errno) {
      received = try ReceiveBatch()
      try super.init(loop, socket)
    }

    override func becameReadable() {
      for _ in 0..<Self.batchesPerTurn {
        guard let count = try? received.receive(from: socket.descriptor) else { return }
        batch.removeAll()
        for slot in 0..<count { answer(slot) }
        send()
        if count < ReceivedMessages.capacity { return }
      }
    }

    private func answer(_ slot: Int) {
      let message = received.messages[slot]
      var options = SendBatch.Options()
      options.segmentSize = message.datagrams > 1 ? message.segmentSize : 0
      options.trafficClass = message.trafficClass
      batch.begin(to: message.peer, isIPv4: true, options: options)
      batch.attach(slot, of: received, length: Int(message.length))
    }

    private func send() {
      var next = 0
      // What is refused is lost, as with any UDP service.
      while next < batch.count { next += (try? batch.send(on: socket.descriptor, from: next)) ?? 1 }
    }
  }
}
