import Glibc
import Linux
import Relay
import Testing

/// Nothing is to go wrong, and nobody wants to hear of sessions.
private struct Alarm: WorkerObserver {
  func met(_ trouble: Trouble, in relay: RelayID) { Issue.record("relay \(relay): \(trouble)") }
  func lost(_ datagrams: UInt64, at queue: ReceiveQueue, in relay: RelayID) { Issue.record("lost at \(queue)") }
  func ended(_ sessions: [SessionEnd], lost: UInt64, in relay: RelayID) { Issue.record("nobody has asked") }
}

/// Several relays in one worker, with real sockets on loopback.
@Suite struct WorkerTests {
  /// A relay's backend, its counters, and the listeners in front of it.
  private struct Front {
    let backend: Socket
    let port: UInt16
    let listeners: [(socket: Socket, counters: ListenerCounters)]

    init(listeners count: Int) throws {
      backend = try .listener(on: Endpoint(.loopbackIPv4, 0), sharesPort: false)
      port = try backend.localEndpoint().port
      listeners = try (0..<count).map { _ in
        (try .listener(on: Endpoint(.loopbackIPv4, 0), sharesPort: false), ListenerCounters())
      }
    }

    func plan(_ name: String, sources: UInt32) -> RelayPlan {
      RelayPlan(
        name: name, backend: .loopbackIPv4, backendPorts: port...port,
        upstream: .multiplexed(SourceRange(first: sources, count: 64)), maxSessions: 16)
    }
  }

  private func send(_ bytes: Int, to socket: Socket) throws {
    let client = try Socket.connectedUpstream(to: socket.localEndpoint())
    var batch = SendBatch()
    let payload = try ReceiveBatch()
    batch.begin(to: nil, isIPv4: true, options: SendBatch.Options())
    batch.attach(0, of: payload, length: bytes)
    #expect(try batch.send(on: client.descriptor, from: 0) == 1)
  }

  /// The lengths of what a backend has received, in order.
  private func lengths(at socket: Socket, count: Int) throws -> [Int32] {
    var batch = try ReceiveBatch()
    var lengths: [Int32] = []
    let end = Instant.now + .seconds(10)
    while lengths.count < count, Instant.now < end {
      var descriptor = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&descriptor, 1, 100) > 0 else { continue }
      _ = try batch.receive(from: socket.descriptor)
      for slot in 0..<batch.messages.count { lengths.append(batch.messages[slot].length) }
    }
    return lengths
  }

  /// All of it waits when the worker begins, and the relays' listeners are polled in turn: what one relay has gathered
  /// leaves before another uses the workbench.
  @Test func relaysOfOneWorkerNeverSendWhatAnotherHasGathered() throws {
    let fronts = [try Front(listeners: 3), try Front(listeners: 3)]
    let worker = try Worker(observer: Alarm())
    for (relay, front) in fronts.enumerated() {
      let plan = front.plan("\(relay)", sources: 0x7f40_0000 + UInt32(relay) << 20)
      try worker.prepare(RelayID(relay), plan, counters: RelayCounters())
      worker.begin(RelayID(relay))
    }
    var identity: UInt64 = 0
    for place in 0..<3 {
      for (relay, front) in fronts.enumerated() {
        let (socket, counters) = front.listeners[place]
        identity += 1
        worker.open(
          ListenerID(identity),
          ListenerOpening(
            socket: socket, endpoint: Endpoint(.loopbackIPv4, 1), backend: Endpoint(.loopbackIPv4, front.port),
            counters: counters),
          relay: RelayID(relay))
        // Each datagram has a length of its own.
        try send(100 * (relay + 1) + place, to: socket)
      }
    }
    try worker.start(named: "worker")
    #expect(try lengths(at: fronts[0].backend, count: 3).sorted() == [100, 101, 102])
    #expect(try lengths(at: fronts[1].backend, count: 3).sorted() == [200, 201, 202])
    worker.stop()
    for (relay, front) in fronts.enumerated() {
      #expect(front.listeners.map { $0.counters.datagrams(.toBackend) } == [1, 1, 1])
      let bytes = front.listeners.map { $0.counters.bytes(.toBackend) }
      #expect(bytes == (0..<3).map { UInt64(100 * (relay + 1) + $0) })
    }
  }
}
