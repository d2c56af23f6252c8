import Glibc
import Linux
import Support
import Testing

/// What the kernel refuses to send is counted by its errno and passed over; the rest goes on.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct SendRefusalTests {
  /// Every errno that faults.md names, for a single datagram.
  private static let errnos: [Errno] = [
    .again, .noBuffers, .messageTooLong, .invalidArgument, .inputOutput, .notPermitted, .accessDenied,
    .networkUnreachable, .hostUnreachable, .connectionRefused,
  ]

  /// On a connected socket these may be the news of an earlier datagram: then the next one is sent once more.
  private static let news: [Errno] = [.networkUnreachable, .hostUnreachable, .connectionRefused]

  private static func isSentOnceMore(_ errno: Errno, _ way: Way) -> Bool { way == .connected && news.contains(errno) }

  /// Refuses every second message: a rule counts what was sent before it.
  private static func everySecond(
    isSentOnceMore: (Errno) -> Bool = { _ in false }, _ change: (inout FaultInjection.Fault) -> Void
  ) -> FaultInjection {
    var sent = 0
    return FaultInjection(
      errnos.map { errno in
        var fault = FaultInjection.Fault(.send, .failure(errno))
        fault.after = sent + 1
        change(&fault)
        sent += isSentOnceMore(errno) ? 2 : 1
        return fault
      })
  }

  @Test(arguments: Way.local)
  func aRequestThatIsRefusedIsCountedAndTheNextOneGoes(way: Way) throws {
    let faults = Self.everySecond(isSentOnceMore: { Self.isSentOnceMore($0, way) }) { $0.peerPort = 7000 }
    let scene = try BackendScene(way, faults: faults)
    try scene.startService()
    let client = try scene.client()
    let request = ServiceProgram.Request().bytes("hello")
    var ledger = Ledger()
    ledger.began(1)
    for errno in Self.errnos {
      #expect(try client.ask(request)?.bytes == request)
      ledger.echoed(at: scene.asked, [request])
      try client.send(request)
      ledger.refusedToBackend[errno.name] = 1
      if Self.isSentOnceMore(errno, way) {
        #expect(try client.receive()?.bytes == request)
        ledger.echoed(at: scene.asked, [request])
      }
      try scene.relay.settle(on: ledger)
    }
    #expect(try client.ask(request)?.bytes == request)
    try expectFaults(scene, Self.errnos)
  }

  @Test(arguments: Way.local)
  func aReplyThatIsRefusedIsCountedAndTheNextOneGoes(way: Way) throws {
    let scene = try BackendScene(way, faults: Self.everySecond { $0.localPort = 5678 })
    try scene.startService()
    let client = try scene.client()
    let request = ServiceProgram.Request().bytes("hello")
    var ledger = Ledger()
    ledger.began(1)
    for errno in Self.errnos {
      #expect(try client.ask(request)?.bytes == request)
      ledger.echoed(at: scene.asked, [request])
      try client.send(request)
      ledger.passed(to: scene.asked, [request])
      ledger.refusedToClient[errno.name] = 1
      try scene.relay.settle(on: ledger)
    }
    #expect(try client.ask(request)?.bytes == request)
    try expectFaults(scene, Self.errnos)
  }

  /// The faults really happened, and each of them is one line of the log.
  private func expectFaults(_ scene: BackendScene, _ errnos: [Errno]) throws {
    let lines = scene.relay.process.lines(of: .error)
    for errno in errnos {
      #expect(lines.contains("fault: sendmmsg \(errno.name)"))
      #expect(lines.filter { $0.contains("refused to send") && $0.contains("(\(errno.name))") }.count == 1)
    }
  }

  /// Twenty clients in one batch, so in one sendmmsg: the first is refused, three in the middle, the last.
  @Test(arguments: [Way.multiplexed, .connected], [true, false])
  func aRefusalInTheMiddleOfABatchStopsNobodyElse(way: Way, towardsBackend: Bool) throws {
    let refusals: [(after: Int, times: Int)] = [(0, 1), (6, 3), (15, 1)]
    let folder = try TemporaryFolder()
    let faults = FaultInjection(
      refusals.map { refusal in
        var fault = FaultInjection.Fault(.send, .failure(.noBuffers))
        (fault.after, fault.times) = (refusal.after, refusal.times)
        if towardsBackend { fault.peerPort = 7000 } else { fault.localPort = 5678 }
        return fault
      }, whileFileExists: folder.path + "/on")
    let scene = try BackendScene(way, faults: faults)
    try scene.startService()
    let crowd = try scene.crowd()
    var order = Crowd.Order { $0.clients = 20 }
    try crowd.send(order)
    try crowd.receive(own: 20)

    try folder.write("", to: "on")
    scene.relay.process.signal(SIGSTOP)
    order.request.delay = 10
    try crowd.send(order)
    scene.relay.process.signal(SIGCONT)
    try crowd.receive(own: 35)
    #expect(crowd.foreign == 0)
    let expected: (toBackend: Int, toClient: Int) = towardsBackend ? (35, 35) : (40, 35)
    let ledger = try eventually("the counters") {
      let ledger = try scene.relay.ledger()
      let refused = (ledger.refusedToBackend["ENOBUFS"] ?? 0) + (ledger.refusedToClient["ENOBUFS"] ?? 0)
      return refused == 5 && ledger.listeners[scene.asked]?.toClient.datagrams == expected.toClient ? ledger : nil
    }
    #expect(ledger.listeners[scene.asked]?.toBackend.datagrams == expected.toBackend)
    #expect(ledger.refusedToBackend == (towardsBackend ? ["ENOBUFS": 5] : [:]))
    #expect(ledger.refusedToClient == (towardsBackend ? [:] : ["ENOBUFS": 5]))
    #expect(ledger.dropped == [:])
  }

  /// By its own clock, which goes 20 times as fast as ours, the relay may write a line every 10 s.
  @Test func theLogHasOneLineAClassAndPeriodAndASum() throws {
    var fault = FaultInjection.Fault(.send, .failure(.notPermitted))
    (fault.localPort, fault.times) = (5678, nil)
    let scene = try BackendScene(
      .multiplexed, environment: FastClock.environment(speed: 20), faults: FaultInjection([fault]))
    try scene.startService()
    let crowd = try scene.crowd()
    let start = Instant.now
    // Over three periods, so that some come just as one ends.
    for _ in 1...100 {
      try crowd.send(Crowd.Order { $0.clients = 10 })
      let next = Instant.now + .milliseconds(15)
      try eventually("the next step") { Instant.now >= next }
    }
    let lines = try eventually("a sum of what was left out") {
      let lines = try scene.relay.process.lines(of: .error).filter { $0.contains("(EPERM)") }.map(JSON.init(parsing:))
      return lines.reduce(0) { $0 + Self.times($1) } == 1000 ? lines : nil
    }
    let periods = Int((Instant.now - start).count / 500_000_000) + 1
    #expect((4...periods + 1).contains(lines.count), "\(lines)")
    #expect(try scene.relay.ledger().refusedToClient == ["EPERM": 1000])
    #expect(try scene.relay.ledger().listeners[scene.asked]?.toClient.datagrams == 0)
  }

  /// For how many refusals a line stands.
  private static func times(_ line: JSON) -> Int { line["times"]?.integer ?? Int(line["times"]?.string ?? "") ?? 1 }
}
