import Glibc
import Linux
import Support
import Testing

/// A backend that is down, comes up, dies and comes back: sessions go on by themselves.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct BackendLifeTests {
  @Test(arguments: Way.allCases)
  func whoAskedADeadBackendIsAnsweredAsSoonAsItLives(way: Way) throws {
    let scene = try BackendScene(way)
    let client = try scene.client()
    var ledger = Ledger()
    ledger.began(1)
    for number in 1...5 {
      let request = ServiceProgram.Request().bytes("anybody? \(number)")
      try client.send(request)
      ledger.passed(to: scene.asked, [request])
      // Each error is told, though one of them alone would stop an uv_poll that does not expect it.
      if way.isConnected { ledger.refusedToBackend["ECONNREFUSED", default: 0] += 1 }
      try scene.relay.settle(on: ledger)
    }
    try scene.startService()
    for number in 1...5 {
      let request = ServiceProgram.Request().bytes("hello \(number)")
      #expect(try client.ask(request)?.bytes == request)
      ledger.echoed(at: scene.asked, [request])
    }
    try scene.relay.settle(on: ledger)
  }

  /// On a connected socket, each send first tells the fate of the datagram before it, and sends nothing.
  @Test func noDatagramIsEatenByTheErrorOfTheOneBefore() throws {
    let scene = try BackendScene(.connected)
    let client = try scene.client()
    let wire = try PacketCapture(interface: "lo", in: scene.network.host)
    // One batch, but no train: each is longer than the one before.
    let requests = (1...20).map { pattern(10 + $0) }
    scene.relay.process.signal(SIGSTOP)
    for request in requests { try client.send(request) }
    scene.relay.process.signal(SIGCONT)

    var lengths: [Int] = []
    try eventually("all 20 datagrams on the wire") {
      lengths += try wire.drain().filter { $0.direction == .outgoing && $0.packet.udp?.destination == scene.backend }
        .compactMap { $0.packet.udp?.length }
      return lengths.count >= requests.count
    }
    #expect(lengths == requests.map(\.count))
    var ledger = Ledger()
    ledger.began(1)
    ledger.passed(to: scene.asked, requests)
    let found = try eventually("the last error") {
      let found = try scene.relay.ledger()
      return found.refusedToBackend["ECONNREFUSED", default: 0] > 0 ? found : nil
    }
    ledger.refusedToBackend = found.refusedToBackend
    #expect(found == ledger)
    #expect((1...requests.count).contains(found.refusedToBackend["ECONNREFUSED", default: 0]))

    try scene.startService()
    #expect(try client.ask("hello")?.bytes == [UInt8]("hello".utf8))
  }

  @Test(arguments: Way.allCases)
  func sessionsOutliveTheirBackend(way: Way) throws {
    let scene = try BackendScene(way)
    try scene.startService()
    let clients = try (1...5).map { _ in try scene.client() }
    var ledger = Ledger()
    ledger.began(clients.count)
    let request = ServiceProgram.Request().bytes("hello")
    func askAll() throws {
      for client in clients {
        #expect(try client.ask(request)?.bytes == request)
        ledger.echoed(at: scene.asked, [request])
      }
      try scene.relay.settle(on: ledger)
    }
    try askAll()
    for _ in 1...2 {
      scene.service?.process.kill()
      for client in clients {
        try client.send(request)
        ledger.passed(to: scene.asked, [request])
        if way.isConnected { ledger.refusedToBackend["ECONNREFUSED", default: 0] += 1 }
        try scene.relay.settle(on: ledger)
      }
      try scene.startService()
      try askAll()
    }
  }

  @Test(arguments: Way.local)
  func aDeadPortTakesNothingFromALiveOne(way: Way) throws {
    let network = try PairNetwork()
    let live = try ServiceProgram(on: .of("127.0.0.1:7002"), in: network.host)
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 5001-5002 --backend 127.0.0.1:7001-7002 --upstream \(way.upstream)")
    let (deadEnd, way2) = (try Endpoint.of("10.1.0.1:5001"), try Endpoint.of("10.1.0.1:5002"))
    let hopeful = try UDPClient(in: network.client, to: deadEnd)
    let client = try UDPClient(in: network.client, to: way2)
    let request = ServiceProgram.Request().bytes("hello")
    var ledger = Ledger()
    ledger.began(2)
    for _ in 1...200 {
      try hopeful.send(request)
      ledger.passed(to: deadEnd, [request])
      #expect(try client.ask(request)?.bytes == request)
      ledger.echoed(at: way2, [request])
    }
    if way.isConnected { ledger.refusedToBackend["ECONNREFUSED"] = 200 }
    try relay.settle(on: ledger)
    #expect(live.process.exit == nil)
  }

  @Test(arguments: Way.local)
  func aReplyFromAnotherPortIsNotDelivered(way: Way) throws {
    let scene = try BackendScene(way)
    let service = try UDPClient(in: scene.network.host, from: scene.backend)
    let stranger = try UDPClient(in: scene.network.host, from: .of("127.0.0.1:7001"))
    let client = try scene.client()
    try client.send("who is there?")
    let request = try #require(try service.receive())
    for _ in 1...3 { try stranger.send("me", to: request.from) }
    try service.send("the service", to: request.from)
    #expect(try client.receive()?.bytes == [UInt8]("the service".utf8))

    var ledger = Ledger()
    ledger.began(1)
    ledger.passed(to: scene.asked, [request.bytes])
    ledger.passed(from: scene.asked, [[UInt8]("the service".utf8)])
    // The filter's refusals and a full queue's are one number to the kernel.
    if way == .multiplexed { ledger.upstreamQueueDrops = 3 }
    try scene.relay.settle(on: ledger)
  }

  /// Also where that port is the backend's, too, but another listener's.
  @Test(arguments: Way.local)
  func aReplyFromAnotherPortOfTheRangeIsNotDelivered(way: Way) throws {
    let network = try PairNetwork()
    let services = try (7001...7002).map { try UDPClient(in: network.host, from: .of("127.0.0.1:\($0)")) }
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 5001-5002 --backend 127.0.0.1:7001-7002 --upstream \(way.upstream)")
    let asked = try Endpoint.of("10.1.0.1:5001")
    let client = try UDPClient(in: network.client, to: asked)
    try client.send("who is there?")
    let request = try #require(try services[0].receive())
    try services[1].send("me", to: request.from)
    try services[0].send("the service", to: request.from)
    #expect(try client.receive()?.bytes == [UInt8]("the service".utf8))
    var ledger = Ledger()
    ledger.began(1)
    ledger.passed(to: asked, [request.bytes])
    ledger.passed(from: asked, [[UInt8]("the service".utf8)])
    // The kernel sees to it itself at a connected socket.
    if way == .multiplexed { ledger.dropped["unexpected_source"] = 1 }
    try relay.settle(on: ledger)
  }
}
