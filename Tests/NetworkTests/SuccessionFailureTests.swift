import Glibc
import Linux
import Support
import Testing

/// A new process that does not take over changes nothing: the old one goes on.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct SuccessionFailureTests: ReplacingPrograms {
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
    let relay = try startRelay(program, in: network)
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
    let relay = try startRelay(program, in: network)
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
    let relay = try startRelay(program, in: network)
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

  @Test func whoHangsIsGivenUpAfterSeconds() throws {
    let program = try ReplaceableProgram()
    let network = try PairNetwork()
    let relay = try startRelay(program, in: network)
    let client = try UDPClient(in: network.client, to: .of("10.1.0.1:5678"))
    let newcomer = try startHanging(program, relay)
    let start = Instant.now
    try relay.process.waitForLine(containing: "and this one goes on: it took too long", within: .seconds(20))
    // Five, and less than the thirty that it has for its start.
    #expect(isSanitized || Instant.now - start < .seconds(15))
    #expect(try client.ask("hello", within: .seconds(5)) != nil)
    #expect(!ProcFile.names(in: "/proc").contains("\(newcomer)"))
  }

  @Test func aReloadThatCameMeanwhileIsMadeUpFor() throws {
    let program = try ReplaceableProgram()
    let network = try PairNetwork()
    let relay = try startRelay(program, in: network)
    let newcomer = try startHanging(program, relay)
    relay.process.signal(SIGHUP)
    try relay.process.waitForLine(containing: "SIGHUP: another process is about to take over")
    kill(newcomer, SIGKILL)
    try relay.process.waitForLine(containing: "SIGHUP: reading the addresses of this host again")
  }

  /// What it cannot use it has forgotten, so that the next start finds nothing of it.
  @Test func whatNobodyCanReadIsForgottenAndEverythingBeginsAnew() throws {
    let network = try PairNetwork()
    let manager = try TestManager()
    let process = try ManagedProcess(
      try FaultInjection.compiled("activate.c"),
      ["udp", "10.1.0.1", "9", "multihomed-left-7-0", "--", try MultihomedProcess.path()]
        + ["relay", "--listen", "5678", "--backend", "echo", "--ipv4-only", "--log-format", "json"],
      in: network.host, environment: manager.environment())
    try process.waitForLine(containing: "ready: ", of: .output, within: .seconds(20))
    try process.waitForLine(containing: "what another process has left cannot be used", of: .error)
    try manager.wait(for: "FDNAME=multihomed-left-7-0")
    #expect(try UDPClient(in: network.client, to: .of("10.1.0.1:5678")).ask("hello") != nil)
  }
}

/// Tests that start a program and then put another in its place.
protocol ReplacingPrograms {}

extension ReplacingPrograms {
  func startRelay(_ program: ReplaceableProgram, in network: PairNetwork) throws -> MultihomedProcess {
    // A link-local address would come a second later, when its detection is over.
    try MultihomedProcess.start(
      in: network.host, ["relay", "--listen", "5678", "--backend", "echo", "--ipv4-only"], program: program.path)
  }

  func expectThatItGoesOn(_ relay: MultihomedProcess, _ network: PairNetwork, _ reason: String) throws {
    let line = try relay.process.waitForLine(containing: "no process has taken over, and this one goes on: ")
    #expect(line.contains(reason))
    #expect(try UDPClient(in: network.client, to: .of("10.1.0.1:5678")).ask("still?") != nil)
  }

  /// Starts a process that says that it is prepared, and then nothing.
  ///
  /// - Returns: its pid.
  func startHanging(_ program: ReplaceableProgram, _ relay: MultihomedProcess) throws -> Int32 {
    try program.replace(by: "printf 'successor 1' >&0; printf prepared >&0; echo \"hangs $$\"; exec sleep 100")
    relay.process.signal(SIGUSR2)
    let line = try relay.process.waitForLine(containing: "hangs ", of: .output)
    return try #require(Int32(line.dropFirst("hangs ".count)))
  }
}
