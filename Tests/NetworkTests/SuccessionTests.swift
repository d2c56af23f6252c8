import Glibc
import Linux
import Support
import Testing

/// SIGUSR2: a new process takes the place of the running one, and no client notices.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct SuccessionTests: ReplacingPrograms {
  // MARK: Nobody notices

  /// Every client has a session, all of them speak through three changes of process, and every datagram says whose it is.
  @Test(arguments: [(Way.multiplexed, 10_000), (.connected, 1_000)])
  func everySessionGoesOnUnderLoad(way: Way, clients: Int) throws {
    let scene = try BackendScene(way, "--max-sessions 20000 --idle-timeout 10m")
    try scene.startService(receiveBuffer: 8 << 20)
    let clients = Load.count(clients)
    let load = try CrowdLoad(try scene.crowd(), clients: clients)
    try load.waitForRounds(1)
    var heir: Heir?
    for _ in 1...3 {
      let next = try Heir(of: scene.relay, after: heir)
      #expect(next.sessions == clients && next.lost == 0)
      try load.waitForRounds(1)
      heir = next
    }
    let (sent, own, foreign) = try load.stop()
    print("FIGURE \(clients) sessions, \(way): \(sent) sent through 3 changes, \(own) answered, \(foreign) foreign")
    #expect(own == sent && foreign == 0)
    let ledger = try #require(try heir?.ledger())
    #expect(ledger.sessions == clients && ledger.sessionsCreated == 0 && ledger.sessionsEnded == [:])
    #expect(ledger.dropped == [:] && ledger.upstreamQueueDrops == 0)
  }

  @Test(arguments: Way.local)
  func aReplyThatIsUnderWayReachesItsClient(way: Way) throws {
    let scene = try BackendScene(way)
    try scene.startService()
    let client = try scene.client()
    let request = ServiceProgram.Request { $0.delay = 80 }
    try client.send(request.bytes("late"))
    try eventually("it is on its way") {
      try scene.relay.ledger().listeners[scene.asked]?.toBackend.datagrams == 1
    }
    let heir = try Heir(of: scene.relay)
    #expect(try client.receive(within: .seconds(10)) != nil)
    #expect(try heir.ledger().sessions == 1)
  }

  @Test func severalWorkersKeepTheirClients() throws {
    let scene = try BackendScene(.multiplexed, "--workers 2")
    try scene.startService()
    let clients = try (0..<50).map { _ in try scene.client() }
    let request = ServiceProgram.Request().bytes("hello")
    for client in clients { #expect(try client.ask(request) != nil) }
    let heir = try Heir(of: scene.relay)
    #expect(heir.sessions == 50)
    for client in clients { #expect(try client.ask(request) != nil) }
    #expect(try heir.ledger().sessionsCreated == 0)
  }

  @Test func oneAfterTheOtherLosesNothingAndLeavesNothing() throws {
    let network = try PairNetwork()
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend echo --ipv4-only")
    let paced = try PacedTraffic(UDPClient(in: network.client, from: Endpoint(.anyIPv4, 0)), to: .of("10.1.0.1:5678"))
    var heir = try Heir(of: relay)
    let descriptors = heir.descriptors
    for _ in 1...(isSanitized ? 5 : 30) {
      heir = try Heir(of: relay, after: heir)
      #expect(heir.sessions == 1)
    }
    let (sent, answered) = try paced.stop()
    #expect(answered == sent)
    #expect(heir.descriptors == descriptors)
    try heir.stop()
  }

  // MARK: What must not be forgotten

  /// Four addresses, each of which rests after its one reply.
  @Test func aSourceAddressGoesOnResting() throws {
    let scene = try BackendScene(.multiplexed, "--source-pool 127.70.0.0/30 --responses 1")
    try scene.startService()
    let request = ServiceProgram.Request().bytes("hello")
    for _ in 1...4 { #expect(try scene.client().ask(request) != nil) }
    try eventually("the sessions end") { try scene.relay.ledger().sessions == 0 }
    let heir = try Heir(of: scene.relay)
    try scene.client().send(request)
    try eventually("a fifth client is refused") { try heir.ledger().dropped == ["sources_exhausted": 1] }
  }

  @Test func aSessionEndsWhenItWouldHave() throws {
    let scene = try BackendScene(.multiplexed, "--unreplied-timeout 2s --idle-timeout 10m")
    let (client, silent) = try (scene.client(), scene.client())
    try scene.startService()
    #expect(try client.ask(ServiceProgram.Request().bytes("hello")) != nil)
    try silent.send(ServiceProgram.Request { $0.replies = 0 }.bytes("hello"))
    try eventually("both are there") { try scene.relay.ledger().sessions == 2 }
    let heir = try Heir(of: scene.relay)
    try eventually("the one that was never answered ends") {
      let ledger = try heir.ledger()
      return ledger.sessionsEnded == ["unreplied": 1] && ledger.sessions == 1
    }
  }

  /// A virtual address that is away for a moment.
  @Test func sessionsOfAnAddressThatIsAwayWaitForItInTheNewProcess() throws {
    let network = try PairNetwork()
    try network.host.add(["10.1.0.9/16"], to: "eth0")
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend echo --ipv4-only")
    let client = try UDPClient(in: network.client, to: .of("10.1.0.9:5678"))
    #expect(try client.ask("before") != nil)
    try network.host.remove(["10.1.0.9/16"], from: "eth0")
    try relay.process.waitForLine(containing: "address is gone")
    let heir = try Heir(of: relay)
    #expect(heir.sessions == 1 && heir.lost == 0)
    try network.host.add(["10.1.0.9/16"], to: "eth0")
    try eventually("it answers again") { (try? client.ask("again", within: .milliseconds(200))) != nil }
    let ledger = try heir.ledger()
    #expect(ledger.sessions == 1 && ledger.sessionsCreated == 0)
  }

  /// Even where the sessions do not go on, the listener's socket does, and with it the kernel's count.
  @Test(arguments: ["100", "200"])
  func whatAQueueHasLostIsNotCountedAgain(maxSessions: String) throws {
    let network = try PairNetwork()
    let text = { (limit: String) in ReloadHost.echo("only", 5678, "ipv4-only = true\nmax-sessions = \(limit)") }
    let host = try ReloadHost(network, "receive-buffer = '4KiB'\n" + text("100"))
    let client = try host.client(of: "10.1.0.1:5678")
    host.relay.process.signal(SIGSTOP)
    for _ in 1...100 { try client.send("much") }
    host.relay.process.signal(SIGCONT)
    try eventually("some are lost") {
      _ = try client.ask("hello", within: .milliseconds(100))
      return try host.ledger(of: "only")?.listeners.values.first?.receiveQueueDrops ?? 0 > 0
    }
    try host.write("receive-buffer = '4KiB'\n" + text(maxSessions))
    let heir = try Heir(of: host.relay)
    while try client.receive(within: .milliseconds(50)) != nil {}
    #expect(try client.ask("hello") != nil)
    #expect(try heir.ledger().listeners.values.first?.receiveQueueDrops == 0)
  }

  // MARK: Another configuration

  @Test func whatHasChangedBeginsAnewAndTheRestGoesOn() throws {
    let network = try PairNetwork()
    let services = try [7001, 7002].map { try TestService(on: Endpoint(.loopbackIPv4, $0), in: network.host) }
    let relay = { (name: String, port: Int, backend: Int) in
      "[[relay]]\nname = '\(name)'\nlisten = [\(port)]\nbackend = '127.0.0.1:\(backend)'\n"
    }
    let host = try ReloadHost(network, relay("stays", 5678, 7001) + relay("moves", 5679, 7001))
    let (stays, moves) = try (host.client(of: "10.1.0.1:5678"), host.client(of: "10.1.0.1:5679"))
    for client in [stays, moves] { #expect(try client.ask("hello") != nil) }
    try host.write(relay("stays", 5678, 7001) + relay("moves", 5679, 7002) + relay("comes", 5680, 7002))
    let heir = try Heir(of: host.relay)
    #expect(heir.sessions == 1 && heir.lost == 1)
    for client in [stays, moves, try host.client(of: "10.1.0.1:5680")] { #expect(try client.ask("hello") != nil) }
    #expect(services.map(\.tally.received) == [3, 2])
    #expect(try heir.ledger().sessionsCreated == 0)
  }

  @Test func anotherNumberOfWorkersTakesTheListenersAlone() throws {
    let host = try ReloadHost(PairNetwork(), ReloadHost.echo("stays", 5678))
    let client = try host.client(of: "10.1.0.1:5678")
    #expect(try client.ask("hello") != nil)
    try host.write("workers = 2\n" + ReloadHost.echo("stays", 5678))
    let heir = try Heir(of: host.relay)
    #expect(heir.sessions == 0)
    #expect(try client.ask("again") != nil)
    #expect(try heir.ledger().sessionsCreated == 1)
  }

  @Test func theProgramThatLiesThereNowIsStarted() throws {
    let program = try ReplaceableProgram()
    let network = try PairNetwork()
    let relay = try startRelay(program, in: network)
    try program.replace(by: "touch \(program.path).was-here; exit 3")
    relay.process.signal(SIGUSR2)
    try expectThatItGoesOn(relay, network, "it ended")
    #expect(unsafe access("\(program.path).was-here", F_OK) == 0)
    program.remove()
    relay.process.signal(SIGUSR2)
    try relay.process.waitForLine(containing: "No such file or directory")
    try program.restore()
    _ = try Heir(of: relay)
  }
}
