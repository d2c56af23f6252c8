import Glibc
import Linux
import Support
import Testing

/// SIGUSR2: a new process takes the place of the running one, and no client notices.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct SuccessionTests {
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
    let relay = try start(program, in: network)
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

  // MARK: What goes wrong

  /// What a new process says, and the reason for which the old one goes on.
  @Test(arguments: [
    ("exit 3", "it ended"),
    ("printf junk >&0; sleep 100", "Protocol error"),
    ("printf 'successor 2' >&0; sleep 100", "Protocol error"),
    ("printf 'successor 1' >&0; printf 'taken 5' >&0; sleep 100", "Protocol error"),
    ("printf 'successor 1' >&0; exit 0", ""),
    ("printf 'successor 1' >&0; printf prepared >&0; printf junk >&0; sleep 100", "Protocol error"),
  ])
  func aNewProcessThatDoesNotTakeOverChangesNothing(script: String, reason: String) throws {
    let program = try ReplaceableProgram()
    let network = try PairNetwork()
    let relay = try start(program, in: network)
    let descriptors = KernelView(relay).descriptors
    let paced = try PacedTraffic(UDPClient(in: network.client, from: Endpoint(.anyIPv4, 0)), to: .of("10.1.0.1:5678"))
    try eventually("answers") { try paced.answered() > 10 }
    try program.replace(by: script)
    relay.process.signal(SIGUSR2)
    try expectThatItGoesOn(relay, network, reason)
    let (sent, answered) = try paced.stop()
    #expect(answered == sent)
    #expect(try relay.ledger().sessionsEnded == [:])
    try eventually("as many descriptors as before") { KernelView(relay).descriptors == descriptors }
    try program.restore()
    _ = try Heir(of: relay)
  }

  /// It stands still when the new process dies, and what has come meanwhile is answered.
  @Test func aNewProcessThatDiesWithEverythingInHandsLosesNothing() throws {
    let program = try ReplaceableProgram()
    let network = try PairNetwork()
    let relay = try start(program, in: network)
    let client = try UDPClient(in: network.client, to: .of("10.1.0.1:5678"))
    #expect(try client.ask("before") != nil)
    let newcomer = try startHanging(program, relay)
    try eventually("nobody answers") { try client.ask("anybody?", within: .milliseconds(50)) == nil }
    try network.host.add(["10.1.0.9/16"], to: "eth0")
    kill(newcomer, SIGKILL)
    try relay.process.waitForLine(containing: "no process has taken over")
    #expect(try client.receive(within: .seconds(5)) != nil)
    let other = try UDPClient(in: network.client, to: .of("10.1.0.9:5678"))
    try eventually("the address that has come meanwhile") {
      (try? other.ask("hello", within: .milliseconds(100))) != nil
    }
    let ledger = try relay.ledger()
    #expect(ledger.sessionsCreated == 2 && ledger.sessionsEnded == [:])
  }

  @Test func theEndComesFirst() throws {
    let program = try ReplaceableProgram()
    let network = try PairNetwork()
    let relay = try start(program, in: network)
    let newcomer = try startHanging(program, relay)
    #expect(try relay.stop() == .status(0))
    #expect(!ProcFile.names(in: "/proc").contains("\(newcomer)"))
  }

  @Test func aRelayBesideARunningServiceSaysWhatToDoInstead() throws {
    let network = try FoundingNetwork()
    let service = try ServiceProgram(on: .of("0.0.0.0:5678"), in: network.host)
    let host = try AdoptedHost(network, port: 5678)
    host.relay.process.signal(SIGUSR2)
    try host.relay.process.waitForLine(containing: "restart `multihomed adopt` instead")
    #expect(host.relay.process.exit == nil)
    _ = service
  }

  // MARK: Common

  private func start(_ program: ReplaceableProgram, in network: PairNetwork) throws -> MultihomedProcess {
    // A link-local address would come a second later, when its detection is over.
    try MultihomedProcess.start(
      in: network.host, ["relay", "--listen", "5678", "--backend", "echo", "--ipv4-only"], program: program.path)
  }

  private func expectThatItGoesOn(_ relay: MultihomedProcess, _ network: PairNetwork, _ reason: String) throws {
    let line = try relay.process.waitForLine(containing: "no process has taken over, and this one goes on: ")
    #expect(line.contains(reason))
    #expect(try UDPClient(in: network.client, to: .of("10.1.0.1:5678")).ask("still?") != nil)
  }

  /// Starts a process that says that it is prepared, and then nothing.
  ///
  /// - Returns: its pid.
  private func startHanging(_ program: ReplaceableProgram, _ relay: MultihomedProcess) throws -> Int32 {
    try program.replace(by: "printf 'successor 1' >&0; printf prepared >&0; echo \"hangs $$\"; exec sleep 100")
    relay.process.signal(SIGUSR2)
    let line = try relay.process.waitForLine(containing: "hangs ", of: .output)
    return try #require(Int32(line.dropFirst("hangs ".count)))
  }
}

/// A crowd that speaks without end, at an even pace, a few clients at a time.
private final class CrowdLoad {
  private struct State {
    var isStopping = false
    var rounds = 0
    var failure: String?
  }

  private static let atOnce = isSanitized ? 20 : 100
  private static let pause = Nanoseconds.milliseconds(5)

  private let crowd: Crowd
  private let state = Monitor(State())
  private let thread: Linux.Thread

  init(_ crowd: Crowd, clients: Int) throws {
    self.crowd = crowd
    thread = try Linux.Thread(named: "crowd") { [state] in
      do { try Self.run(crowd, clients, state) } catch { state.with { $0.failure = "\(error)" } }
    }
  }

  private static func run(_ crowd: Crowd, _ clients: Int, _ state: Monitor<State>) throws {
    var due = Instant.now
    while true {
      for first in stride(from: 0, to: clients, by: atOnce) {
        if state.with({ $0.isStopping }) { return }
        try crowd.send(Crowd.Order { ($0.first, $0.clients) = (first, min(atOnce, clients - first)) })
        due = max(due + pause, .now)
        while Instant.now < due {
          try crowd.receive()
          usleep(500)
        }
      }
      state.with { $0.rounds += 1 }
    }
  }

  /// Waits until every client has spoken so many times more.
  func waitForRounds(_ count: Int) throws {
    let wanted = state.with { $0.rounds } + count + 1
    try eventually("every client speaks", within: .seconds(60)) {
      if let failure = state.with({ $0.failure }) { throw TestFailure("the crowd stopped: \(failure)") }
      return state.with { $0.rounds } >= wanted
    }
  }

  func stop() throws -> (sent: Int, own: Int, foreign: Int) {
    state.with { $0.isStopping = true }
    thread.join()
    try? crowd.receive(own: crowd.sent)
    return (crowd.sent, crowd.own, crowd.foreign)
  }
}
