import Glibc
import Linux
import Support
import Testing

/// A backend that is slower than its clients, and one that answers more than its clients ask.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct SlowBackendTests {
  /// The kernel tells nobody of a datagram that finds a full queue: what we sent and what came back must tell.
  @Test(arguments: Way.allCases)
  func whatAStoppedBackendLosesShowsAsADifference(way: Way) throws {
    let scene = try BackendScene(way)
    try scene.startService(receiveBuffer: 4096)
    let client = try scene.client()
    let request = ServiceProgram.Request().bytes("hello")
    #expect(try client.ask(request)?.bytes == request)
    var ledger = Ledger()
    ledger.began(1)
    ledger.echoed(at: scene.asked, [request])
    let before = try scene.relay.process.residentBytes()

    let service = try #require(scene.service)
    service.process.signal(SIGSTOP)
    for _ in 1...10 {
      for _ in 1...100 { try client.send(request) }
      ledger.passed(to: scene.asked, [[UInt8]](repeating: request, count: 100))
      try scene.relay.settle(on: ledger)
    }
    // It gave all of them to the kernel, and kept none. (A sanitizer keeps books of its own.)
    let growth = try scene.relay.process.residentBytes() - before
    #expect(growth < 1 << 20 || !Load.isFull)

    service.process.signal(SIGCONT)
    let last = ServiceProgram.Request().bytes("last")
    var replies = 0
    try eventually("the last reply") {
      try client.send(last)
      ledger.passed(to: scene.asked, [last])
      while let reply = try client.receive(within: .milliseconds(200)) {
        ledger.passed(from: scene.asked, [reply.bytes])
        if reply.bytes == last { return true }
        replies += 1
      }
      return false
    }
    while let reply = try client.receive(within: .milliseconds(50)) { ledger.passed(from: scene.asked, [reply.bytes]) }
    #expect((1..<500).contains(replies))
    try scene.relay.settle(on: ledger)
  }

  /// 10 bytes in, 15 MB out, again and again: whoever asks something else meanwhile gets his answers.
  @Test(arguments: Way.local)
  func aFloodOfRepliesDoesNotStopOtherSessions(way: Way) throws {
    let network = try PairNetwork()
    let flooding = try ServiceProgram(on: .of("127.0.0.1:7001"), in: network.host)
    let answering = try ServiceProgram(on: .of("127.0.0.1:7002"), in: network.host)
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 5001-5002 --backend 127.0.0.1:7001-7002 --upstream \(way.upstream)")
    let glutton = try UDPClient(in: network.client, to: .of("10.1.0.1:5001"))
    let client = try UDPClient(in: network.client, to: .of("10.1.0.1:5002"))
    let flood = ServiceProgram.Request { ($0.replies, $0.replySize) = (255, 60_000) }.bytes("ten b.")

    var asked = 0
    let rounds = Load.count(200)
    for number in 1...rounds {
      try glutton.send(flood)
      let request = ServiceProgram.Request().bytes("\(number)")
      // One queue for all replies may overflow: then the client asks again, as every client of a UDP service must.
      try eventually("reply \(number)") {
        asked += 1
        try client.send(request)
        while let reply = try client.receive(within: .milliseconds(100)) { if reply.bytes == request { return true } }
        return false
      }
    }
    let flow = try eventually("many replies to the glutton") {
      let flow = try relay.ledger().listeners[.of("10.1.0.1:5001")]
      return flow.flatMap { $0.toClient.datagrams > 2 * rounds ? $0 : nil }
    }
    #expect(flow.toBackend.datagrams == rounds)
    #expect(flow.toBackend.bytes == rounds * flood.count)
    #expect(flow.toClient.bytes == flow.toClient.datagrams * 60_000)
    // No more than a few had to be asked again.
    #expect(asked < rounds * 3 / 2)
    #expect(flooding.process.exit == nil && answering.process.exit == nil)
  }
}
