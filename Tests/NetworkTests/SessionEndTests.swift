import Glibc
import Linux
import Support
import Testing

/// When sessions end, and what a client finds afterwards: a new one.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct SessionEndTests {
  /// How the service is reached.
  static let ways = [
    "--backend 127.0.0.1:5678", "--backend 127.0.0.1:5678 --upstream connected", "--backend [::1]:5678",
  ]

  /// A host with a service that the test itself is, a relay, and a client.
  private struct Scene {
    let network: PairNetwork
    let service: UDPClient
    let relay: MultihomedProcess
    let asked: Endpoint
    let client: UDPClient

    init(_ options: String) throws {
      network = try PairNetwork()
      let backend = options.split(separator: " ")[1]
      service = try UDPClient(in: network.host, from: .of(String(backend)))
      relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 \(options)")
      asked = try .of("10.1.0.1:5678")
      client = try UDPClient(in: network.client, to: asked)
    }

    /// Asks, and returns who the service takes the client for.
    func ask(_ ledger: inout Ledger) throws -> Endpoint {
      try client.send([1])
      ledger.passed(to: asked, [[1]])
      return try #require(try service.receive()).from
    }

    func answer(_ session: Endpoint, _ ledger: inout Ledger) throws {
      try service.send([2], to: session)
      #expect(try client.receive()?.bytes == [2])
      ledger.passed(from: asked, [[2]])
    }
  }

  @Test(arguments: ways)
  func aSessionEndsAfterSoManyReplies(way: String) throws {
    let scene = try Scene("\(way) --responses 3")
    var ledger = Ledger()
    var sessions: [Endpoint] = []
    for _ in 1...3 {
      let session = try scene.ask(&ledger)
      ledger.began(1)
      sessions.append(session)
      // What the client asks in between is not counted.
      for _ in 1...2 { try scene.answer(session, &ledger) }
      #expect(try scene.ask(&ledger) == session)
      try scene.relay.settle(on: ledger)
      try scene.answer(session, &ledger)
      ledger.ended("responses", 1)
      try scene.relay.settle(on: ledger)
    }
    #expect(Set(sessions).count == 3)
  }

  @Test func aReplyTooManyIsLateAndReachesNobody() throws {
    let scene = try Scene("--backend 127.0.0.1:5678 --responses 1")
    var ledger = Ledger()
    let first = try scene.ask(&ledger)
    ledger.began(1)
    try scene.answer(first, &ledger)
    ledger.ended("responses", 1)
    // The same client has a session again by now, which is another.
    let second = try scene.ask(&ledger)
    ledger.began(1)
    for _ in 1...4 { try scene.service.send([9], to: first) }
    ledger.dropped = ["late_reply": 4]
    try scene.relay.settle(on: ledger)
    try scene.answer(second, &ledger)
    ledger.ended("responses", 1)
    try scene.relay.settle(on: ledger)
    #expect(try scene.client.receive(within: .milliseconds(50)) == nil)
  }

  /// All replies of a batch but the first are too many.
  @Test(arguments: ["--backend 127.0.0.1:5678", "--backend [::1]:5678"])
  func repliesTooManyInOneBatchAreLate(way: String) throws {
    let scene = try Scene("\(way) --responses 1")
    var ledger = Ledger()
    let session = try scene.ask(&ledger)
    ledger.began(1)
    try scene.relay.settle(on: ledger)
    try scene.relay.process.freeze()
    for number: UInt8 in 2...6 { try scene.service.send([number], to: session) }
    scene.relay.process.thaw()
    #expect(try scene.client.receive()?.bytes == [2])
    ledger.passed(from: scene.asked, [[2]])
    ledger.dropped = ["late_reply": 4]
    ledger.ended("responses", 1)
    try scene.relay.settle(on: ledger)
    #expect(try scene.client.receive(within: .milliseconds(50)) == nil)
  }

  @Test(arguments: ways)
  func aSessionThatWasAnsweredEndsWhenIdle(way: String) throws {
    let scene = try Scene("\(way) --idle-timeout 300ms --unreplied-timeout 1h")
    var ledger = Ledger()
    let start = Instant.now
    let first = try scene.ask(&ledger)
    try scene.answer(first, &ledger)
    ledger.began(1)
    ledger.ended("idle", 1)
    try scene.relay.settle(on: ledger)
    #expect(Instant.now - start >= .milliseconds(300))
    #expect(try scene.ask(&ledger) != first)
    ledger.began(1)
    try scene.relay.settle(on: ledger)
  }

  @Test(arguments: ways)
  func aSessionWithoutAReplyEndsEarlier(way: String) throws {
    let scene = try Scene("\(way) --idle-timeout 1h --unreplied-timeout 300ms")
    var ledger = Ledger()
    let start = Instant.now
    let session = try scene.ask(&ledger)
    ledger.began(1)
    ledger.ended("unreplied", 1)
    try scene.relay.settle(on: ledger)
    #expect(Instant.now - start >= .milliseconds(300))
    // An answer after that finds nobody; where the socket has gone with the session, not even us.
    try? scene.service.send([2], to: session)
    if way == "--backend 127.0.0.1:5678" { ledger.dropped = ["late_reply": 1] }
    try scene.relay.settle(on: ledger)
    #expect(try scene.client.receive(within: .milliseconds(50)) == nil)
  }

  enum Talker: Sendable, CaseIterable { case client, service }

  /// Both timeouts count from the last datagram, whoever sent it.
  @Test(arguments: ways.dropLast(), Talker.allCases)
  func trafficInEitherDirectionKeepsASession(way: String, talker: Talker) throws {
    let timeout = Nanoseconds.milliseconds(500)
    let scene = try Scene("\(way) --idle-timeout 500ms")
    var ledger = Ledger()
    let session = try scene.ask(&ledger)
    ledger.began(1)
    try scene.answer(session, &ledger)
    let start = Instant.now
    var last = start
    var longestPause = Nanoseconds(0)
    while Instant.now - start < .milliseconds(900) {
      _ = try scene.client.receive(within: .milliseconds(50))
      if talker == .client {
        #expect(try scene.ask(&ledger) == session)
      } else {
        try scene.answer(session, &ledger)
      }
      longestPause = max(longestPause, Instant.now - last)
      last = .now
    }
    // On a machine that stood still for so long there is nothing to be seen.
    guard longestPause < timeout else { return }
    ledger.sessionsEnded = [:]
    let found = try scene.relay.ledger()
    if Instant.now - last < timeout { #expect(found.sessionsEnded.isEmpty) }
    ledger.ended("idle", 1)
    try scene.relay.settle(on: ledger)
  }

  @Test func manySessionsEndTogether() throws {
    let scene = try Scene("--backend 127.0.0.1:5678 --unreplied-timeout 400ms")
    let clients = try (0..<200).map { _ in try UDPClient(in: scene.network.client, to: scene.asked) }
    var ledger = Ledger()
    for client in clients {
      try client.send([1])
      _ = try scene.service.receive()
      ledger.passed(to: scene.asked, [[1]])
    }
    ledger.began(200)
    ledger.ended("unreplied", 200)
    try scene.relay.settle(on: ledger)
  }

  /// More of them than one step of expiry takes, all overdue at once because the process stood still; and somebody who
  /// never stops asking.
  @Test(arguments: Way.local)
  func datagramsDoNotPutOffTheEndOfSessionsThatAreOverdue(way: Way) throws {
    let timeout = Nanoseconds.seconds(4)
    let scene = try BackendScene(way, "--idle-timeout 4s")
    try scene.startService()
    let crowd = try scene.crowd()
    let (overdue, step) = (way == .multiplexed ? 6_000 : 800, 100)
    for first in stride(from: 1, through: overdue, by: step) {
      try crowd.send(Crowd.Order { ($0.first, $0.clients) = (first, step) })
      try crowd.receive(own: crowd.sent)
    }
    // On a machine that took so long for this that some have ended, there is nothing to be seen.
    guard try scene.relay.ledger().sessions == overdue else { return }
    try scene.relay.process.freeze()
    let up = Instant.now + timeout
    try eventually("the time of all to be up") { Instant.now >= up }
    scene.relay.process.thaw()
    try eventually("they end while datagrams keep coming") {
      try crowd.send(Crowd.Order { _ in })
      try crowd.receive(own: crowd.sent)
      return try scene.relay.ledger().sessionsEnded["idle"] ?? 0 >= overdue
    }
  }
}
