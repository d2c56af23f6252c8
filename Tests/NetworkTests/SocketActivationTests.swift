import Glibc
import Linux
import Support
import Testing

/// Sockets that a service manager has opened are served in place of our own (sd_listen_fds(3)).
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct SocketActivationTests {
  /// Starts the program as a service manager would that has opened these: `udp 10.1.0.1 5678 name`.
  private func launch(
    _ sockets: [String], _ arguments: [String], in network: PairNetwork, environment: [String: String] = [:]
  ) throws -> ManagedProcess {
    let given = sockets.flatMap { $0.split(separator: " ").map(String.init) }
    let program = [try MultihomedProcess.path()] + arguments + ["--log-format", "json"]
    return try ManagedProcess(
      try FaultInjection.compiled("activate.c"), given + ["--"] + program, in: network.host, environment: environment)
  }

  private func start(
    _ sockets: [String], _ arguments: [String], in network: PairNetwork, environment: [String: String] = [:]
  ) throws -> ManagedProcess {
    let process = try launch(sockets, arguments, in: network, environment: environment)
    try process.waitForLine(containing: "ready: ", of: .output, within: .seconds(20))
    return process
  }

  private let relay = ["relay", "--listen", "5678", "--backend", "echo", "--ipv4-only"]
  private let given = ["udp 10.1.0.1 5678 default"]

  /// The sockets at an endpoint, by their inodes.
  private func inodes(_ endpoint: String, _ network: PairNetwork) throws -> [UInt64] {
    let endpoint = try Endpoint.of(endpoint)
    return try network.host.run { () throws(Errno) in
      try UDPSocketTable.read(port: endpoint.port).filter { $0.local == endpoint }.map(\.inode)
    }
  }

  private func answers(_ endpoint: String, _ network: PairNetwork) throws -> Bool {
    try UDPClient(in: network.client, to: .of(endpoint)).ask("hello")?.from == .of(endpoint)
  }

  @Test func aGivenSocketIsServedAndTheRestIsBound() throws {
    let network = try PairNetwork()
    try network.host.add(["10.1.0.9/16"], to: "eth0")
    let process = try start(given, relay, in: network)
    for asked in ["10.1.0.1:5678", "10.1.0.9:5678"] { #expect(try answers(asked, network)) }
    let inode = try #require(try inodes("10.1.0.1:5678", network).first)
    #expect(try inodes("10.1.0.1:5678", network).count == 1)
    #expect(KernelView(process.processID).sockets(3...3) == ["socket:[\(inode)]"])
    process.signal(SIGTERM)
    #expect(try process.waitForExit() == .status(0))
  }

  @Test func severalWorkersShareIt() throws {
    let network = try PairNetwork()
    let process = try start(given, relay + ["--workers", "2"], in: network)
    #expect(try inodes("10.1.0.1:5678", network).count == 2)
    for _ in 1...20 { #expect(try answers("10.1.0.1:5678", network)) }
    withExtendedLifetime(process) {}
  }

  @Test func anAddressThatGoesAndComesBackIsServedByTheSameSocket() throws {
    let network = try PairNetwork()
    try network.host.add(["10.1.0.9/16"], to: "eth0")
    let process = try start(
      ["udp 10.1.0.9 5678 vip"], relay, in: network, environment: FastClock.environment(speed: 20))
    let before = try inodes("10.1.0.9:5678", network)
    #expect(try answers("10.1.0.9:5678", network))
    for _ in 1...2 {
      let mark = process.mark
      try network.host.remove(["10.1.0.9/16"], from: "eth0")
      try process.waitForLine(containing: "address did not come back", since: mark)
      try network.host.add(["10.1.0.9/16"], to: "eth0")
      try process.waitForLine(containing: "listening again or anew", since: mark)
      #expect(try answers("10.1.0.9:5678", network))
      #expect(try inodes("10.1.0.9:5678", network) == before)
    }
  }

  @Test func anAddressThatComesLaterIsServedByItsSocket() throws {
    let network = try PairNetwork()
    try network.host.set("net/ipv4/ip_nonlocal_bind", to: "1")
    let process = try start(["udp 10.1.0.9 5678 vip"], relay, in: network)
    let before = try inodes("10.1.0.9:5678", network)
    #expect(before.count == 1)
    try network.host.add(["10.1.0.9/16"], to: "eth0")
    try process.waitForLine(containing: "listening again or anew")
    #expect(try answers("10.1.0.9:5678", network))
    #expect(try inodes("10.1.0.9:5678", network) == before)
  }

  @Test func areloadTakesItAwayAndGivesItBack() throws {
    let network = try PairNetwork()
    let folder = try TemporaryFolder()
    let other = ReloadHost.echo("other", 5679, "ipv4-only = true")
    let both = ReloadHost.echo("default", 5678, "ipv4-only = true") + other
    let path = try folder.write(both, to: "a.toml")
    let process = try start(given, ["relay", "--config", path], in: network)
    let before = try inodes("10.1.0.1:5678", network)
    #expect(try answers("10.1.0.1:5678", network))
    let client = try UDPClient(in: network.client, to: .of("10.1.0.1:5678"))
    for (configuration, text) in [(other, "in vain"), (both, "hello")] {
      let mark = process.mark
      try folder.write(configuration, to: "a.toml")
      process.signal(SIGHUP)
      try process.waitForLine(containing: "configuration reloaded", since: mark)
      try client.send(text)
    }
    // What came while nobody was to listen is not answered.
    #expect(try client.receive()?.bytes == [UInt8]("hello".utf8))
    #expect(try inodes("10.1.0.1:5678", network) == before)
  }

  // MARK: What is refused

  private func complaint(_ sockets: [String], _ arguments: [String]? = nil) throws -> String {
    let network = try PairNetwork()
    let process = try launch(sockets, arguments ?? relay, in: network)
    #expect(try process.waitForExit() == .status(78))
    withExtendedLifetime(network) {}
    #expect(process.text(of: .output) == "")
    return process.text(of: .error)
  }

  @Test func whatCanBeNoListenerIsRefusedWithTheReason() throws {
    #expect(
      try complaint(["udp 0.0.0.0 5678 default"])
        == "multihomed: error: of the service manager's sockets, descriptor 3 (default) is bound to 0.0.0.0:5678, the wildcard "
        + "address, and would not know which address was asked; name each address, as in ListenDatagram=192.0.2.1:5678 in the "
        + ".socket unit, or leave the .socket unit out: every address is listened on without it")
    #expect(
      try complaint(given + ["udp :: 5679 six"]).contains("descriptor 4 (six) is bound to [::]:5679, the wildcard"))
    #expect(try complaint(["tcp 10.1.0.1 5678 default"]).contains("descriptor 3 (default) is no UDP socket; give only"))
    #expect(try complaint(["connected 10.1.0.1 5678 default"]).contains("on 10.1.0.1:5678, is connected"))
  }

  @Test func whatFitsNoRelayIsRefusedWithWhatWouldFit() throws {
    let said = try complaint(["udp 10.1.0.1 5679 multihomed.socket"])
    #expect(
      said == "multihomed: error: no relay listens on 10.1.0.1:5679, a socket that the service manager gave "
        + "(multihomed.socket); what would fit: 10.1.0.1:5678; change ListenDatagram= in the .socket unit, or --listen",
      "\(said)")
  }

  @Test func anAdoptionOpensItsListenersItself() throws {
    let network = try PairNetwork()
    let service = try TestService(on: Endpoint(.anyIPv4, 5679), in: network.host)
    let process = try launch(given, ["adopt", "5679"], in: network)
    #expect(try process.waitForExit() == .status(78))
    #expect(process.text(of: .error).contains("multihomed adopt opens its listeners itself"))
    withExtendedLifetime((network, service)) {}
  }

  @Test func socketsForAnotherProcessAreLeftToIt() throws {
    let network = try PairNetwork()
    let relay = try MultihomedProcess.start(
      in: network.host, relay, environment: ["LISTEN_FDS": "1", "LISTEN_PID": "1"])
    #expect(try answers("10.1.0.1:5678", network))
    withExtendedLifetime(relay) {}
  }
}
