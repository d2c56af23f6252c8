import Linux
import Support
import Testing

/// A reply that comes after its session has ended finds nobody; above all not the client that has the session's source
/// address, or port, by then.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct LateReplyTests {
  /// The relay's clock goes 40 times as fast: its quarantine of 120 s takes 3 s, an idle session lasts 100 ms.
  private static let speed = 40
  private static let timeouts = "--idle-timeout 4s --unreplied-timeout 4s"
  /// How long a source address is out of use after its session began.
  private static let cycle = Nanoseconds.milliseconds(3_300)

  /// How many addresses there are.
  private static let sources = Load.isFull ? 1024 : 64

  /// Every client asks 300 times at once. Half of the replies come at once, half after 0.3 s to 1 s: then the session has
  /// ended, and clients by the hundred have come since.
  @Test(arguments: Way.local)
  func aLateReplyReachesNobody(way: Way) throws {
    let prefix = 32 - Self.sources.trailingZeroBitCount
    let options = way == .multiplexed ? "--source-pool 127.70.0.0/\(prefix) " : ""
    let scene = try BackendScene(
      way, options + Self.timeouts, environment: FastClock.environment(speed: Self.speed))
    // The kernel draws ports at random: twice as many, so that it finds those that have rested.
    if way == .connected {
      try scene.network.host.set("net/ipv4/ip_local_port_range", to: "40000 \(40_000 + 2 * Self.sources - 1)")
    }
    try scene.startService()
    let crowd = try scene.crowd()
    var order = Crowd.Order { ($0.each, $0.lateEvery) = (300, 2) }
    let pause = Nanoseconds(Self.cycle.count / UInt64(Self.sources) * 5 / 4)
    var next = Instant.now
    // Every address serves three times and more: a million datagrams.
    let sessions = Self.sources * (way == .multiplexed ? 13 : 7) / 4
    for number in 0..<sessions {
      order.first = number
      order.request.delay = UInt8(30 + number * 7 % 70)
      let replies = crowd.own
      try crowd.send(order)
      // On a busy machine a session may end before its first reply; those are late, then, as well.
      try? crowd.receive(own: replies + 150, within: .milliseconds(500))
      next = max(next + pause, .now)
      try eventually("the next client's turn") { Instant.now >= next }
    }

    let asked = 300 * sessions
    let found = try eventually("the last late reply") {
      let found = try scene.relay.ledger()
      let replies = found.listeners[scene.asked]?.toClient.datagrams ?? 0
      // A connected session's port is closed by then: the kernel tells the service so, and us nothing.
      let late = way == .multiplexed ? asked - replies : 0
      return found.sessions == 0 && found.dropped["late_reply", default: 0] == late ? found : nil
    }
    try crowd.receive()
    print("FIGURE \(asked) datagrams, \(found.sessionsCreated) sessions, \(way): foreign replies: \(crowd.foreign)")
    #expect(crowd.foreign == 0)
    #expect(found.listeners[scene.asked]?.toBackend.datagrams == asked)
    #expect(found.listeners[scene.asked]?.toClient.datagrams == crowd.own)
    #expect((asked * 49 / 100...asked / 2).contains(crowd.own))
    #expect(found.sessionsCreated >= sessions)
    #expect(found.upstreamQueueDrops == 0)
  }

  /// A session that has got the one reply it may have is over; the service goes on talking.
  @Test(arguments: Way.local)
  func whatComesAfterTheLastResponseIsCountedAndReachesNobody(way: Way) throws {
    let scene = try BackendScene(way, "--responses 1")
    try scene.startService()
    let crowd = try scene.crowd()
    let clients = 1_000
    for first in stride(from: 0, to: clients, by: 100) {
      try crowd.send(Crowd.Order { ($0.first, $0.clients, $0.request.replies) = (first, 100, 3) })
      try crowd.receive(own: first + 100)
    }
    // Once more, with what is late coming while others ask.
    for first in stride(from: 0, to: clients, by: 100) {
      try crowd.send(
        Crowd.Order {
          ($0.first, $0.clients) = (first, 100)
          ($0.request.replies, $0.request.delay) = (3, 1)
        })
    }
    try crowd.receive(own: 2 * clients)
    let found = try eventually("all sessions to end") {
      let found = try scene.relay.ledger()
      let isComplete = way == .connected || found.dropped["late_reply"] == 4 * clients
      let replies = found.listeners[scene.asked]?.toClient.datagrams
      return replies == 2 * clients && isComplete ? found : nil
    }
    try crowd.receive()
    #expect(crowd.foreign == 0)
    #expect(crowd.own == 2 * clients)
    #expect(found.sessions == 0)
    #expect(found.sessionsCreated == 2 * clients)
    #expect(found.sessionsEnded == ["responses": 2 * clients])
    #expect(found.dropped["late_reply", default: 0] <= 4 * clients)
  }

  @Test func anExhaustedPoolRefusesNewClientsAndKeepsTheOld() throws {
    let scene = try BackendScene(.multiplexed, "--source-pool 127.70.0.0/29")
    try scene.startService()
    let request = ServiceProgram.Request().bytes("hello")
    let clients = try (1...8).map { _ in try scene.client() }
    var ledger = Ledger()
    ledger.began(8)
    for client in clients {
      #expect(try client.ask(request)?.bytes == request)
      ledger.echoed(at: scene.asked, [request])
    }
    for _ in 1...5 { try scene.client().send(request) }
    ledger.dropped["sources_exhausted"] = 5
    try scene.relay.settle(on: ledger)
    for client in clients {
      #expect(try client.ask(request)?.bytes == request)
      ledger.echoed(at: scene.asked, [request])
    }
    try scene.relay.settle(on: ledger)
    let lines = scene.relay.process.lines(of: .error).filter { $0.contains("--source-pool") }
    #expect(lines.count == 1, "\(lines)")
  }

  /// 127.70.0.0/30, the smallest there may be: four sessions in two minutes.
  @Test func theSmallestPoolRestsAsLongAsTheQuarantine() throws {
    let scene = try BackendScene(
      .multiplexed, "--source-pool 127.70.0.0/30 --responses 1",
      environment: FastClock.environment(speed: Self.speed))
    try scene.startService()
    let client = try scene.client()
    let request = ServiceProgram.Request().bytes("hello")
    let start = Instant.now
    for _ in 1...4 { #expect(try client.ask(request)?.bytes == request) }
    var refused = 0
    try eventually("an address that has rested") {
      if try client.ask(request, within: .milliseconds(50)) != nil { return true }
      refused += 1
      return false
    }
    let waited = Instant.now - start
    #expect(waited >= .seconds(3) && waited < .seconds(6))
    var ledger = Ledger()
    ledger.began(5)
    ledger.ended("responses", 5)
    for _ in 1...5 { ledger.echoed(at: scene.asked, [request]) }
    ledger.dropped["sources_exhausted"] = refused
    try scene.relay.settle(on: ledger)
  }
}
