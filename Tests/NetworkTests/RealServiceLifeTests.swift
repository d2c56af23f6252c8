import Glibc
import Linux
import Support
import Testing

/// Starting and ending real services: a test can do both as often as it likes, and nothing is left behind.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct RealServiceLifeTests {
  /// The host's address on the container's side.
  private let near: IPAddress
  private let network: FoundingNetwork

  init() throws {
    near = try .of("172.17.0.1")
    network = try FoundingNetwork()
  }

  @Test(arguments: [RealService.socatListen, .unbound, .nsdProcesses, .kamailio].filter(\.isAvailable))
  func itStartsAgainAtItsPortAfterEachKill(service: RealService) throws {
    let running = try service.start(in: network.host)
    var pids = [running.process.processID]
    for _ in 1...3 {
      #expect(try running.ask(near, from: network.container))
      try running.restart()
      pids.append(running.process.processID)
    }
    #expect(try running.ask(near, from: network.container))
    #expect(Set(pids).count == pids.count)
  }

  /// A child of socat for each client, processes of NSD and Kamailio.
  @Test(arguments: [RealService.socatListen, .nsdProcesses, .kamailio].filter(\.isAvailable))
  func nothingSurvivesIt(service: RealService) throws {
    var running: RunningService? = try service.start(in: network.host)
    #expect(try running?.ask(near, from: network.container) == true)
    running = nil
    #expect(try network.host.socketAddresses(at: service.port).isEmpty)
    #expect(processes(in: network.host).isEmpty)
  }

  @Test(
    .enabled(if: OtherUsers.arePossible, "\(OtherUsers.obstacle ?? "")"),
    arguments: RealService.available.filter(\.runsAsOthers))
  func itsSocketsBelongToWhomItRunsAs(service: RealService) throws {
    let running = try service.start(in: network.host, port: 20_000 + service.port, user: OtherUsers.somebody)
    if case .address(let only) = service.place {
      #expect(try running.ask(only, from: network.host))
    } else {
      let asked = service.v4 == .doesNotListen ? try IPAddress.of("fd17::1") : near
      #expect(try running.ask(asked, from: network.container), "\(running.process.lines())")
    }
    let owners = try network.host.socketOwners(at: running.port)
    #expect(owners.allSatisfy { $0 == OtherUsers.somebody })
    #expect(processes(in: network.host).allSatisfy { (owner(of: $0) ?? OtherUsers.somebody) == OtherUsers.somebody })
  }

  /// All processes in a network namespace.
  private func processes(in namespace: NetworkNamespace) -> [String] {
    guard let wanted = status(of: namespace.path) else { return [] }
    return ProcFile.names(in: "/proc").filter { name in
      Int32(name) != nil && status(of: "/proc/\(name)/ns/net")?.st_ino == wanted.st_ino
    }
  }

  private func owner(of process: String) -> UInt32? { status(of: "/proc/\(process)")?.st_uid }

  private func status(of path: String) -> stat? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status : nil
  }
}
