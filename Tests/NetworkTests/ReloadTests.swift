import Glibc
import Linux
import Support
import Testing

/// A relay is told by SIGHUP to read its configuration again: only what has changed is changed.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct ReloadTests {
  private let stays = ReloadHost.echo("stays", 5678)

  @Test func severalRelaysServeSideBySide() throws {
    let host = try ReloadHost(PairNetwork(), stays + ReloadHost.echo("other", 5679, "interfaces = ['eth0']"))
    #expect(host.relay.ready.hasSuffix("ports 5678, 5679, backend echo"))
    for asked in ["10.1.0.1:5678", "10.1.0.1:5679"] {
      #expect(try host.client(of: asked).ask("hello")?.from == .of(asked))
    }
    let expected = try expectation(asked: "10.1.0.1:5678", times: 1)
    try eventually("it is counted") { try host.ledger(of: "stays") == expected }
  }

  @Test func aRelayThatIsNotTouchedGoesOnWithItsSessions() throws {
    let host = try ReloadHost(PairNetwork(), stays)
    let client = try host.client(of: "10.1.0.1:5678")
    #expect(try client.ask("before") != nil)
    try host.reload(stays + ReloadHost.echo("comes", 5679))
    #expect(try host.client(of: "10.1.0.1:5679").ask("hello") != nil)
    #expect(try client.ask("with it") != nil)
    try host.reload(stays)
    try host.expectNobody(at: "10.1.0.1:5679")
    #expect(try client.ask("after") != nil)
    let ledger = try #require(try host.ledger(of: "stays"))
    #expect(ledger.sessions == 1 && ledger.sessionsCreated == 1)
    #expect(try host.ledger(of: "comes") == nil)
  }

  @Test func anotherFilterClosesItsListenersAndKeepsTheOthersSessions() throws {
    let network = try PairNetwork()
    try network.host.add(["10.1.0.9/16"], to: "eth0")
    let host = try ReloadHost(network, stays)
    let (kept, closed) = try (host.client(of: "10.1.0.1:5678"), host.client(of: "10.1.0.9:5678"))
    for client in [kept, closed] { #expect(try client.ask("hello") != nil) }
    try host.reload(ReloadHost.echo("stays", 5678, "addresses = ['!10.1.0.9']"))
    try host.expectNobody(at: "10.1.0.9:5678")
    #expect(try kept.ask("still?") != nil)
    try eventually("the session ends") { try host.ledger(of: "stays")?.sessionsEnded == ["reconfigured": 1] }
    try host.reload(stays)
    #expect(try host.client(of: "10.1.0.9:5678").ask("again") != nil)
    #expect(try host.ledger(of: "stays")?.sessionsCreated == 3)
  }

  @Test func newTimeoutsHoldForTheSessionsThatAreThere() throws {
    let host = try ReloadHost(PairNetwork(), ReloadHost.echo("stays", 5678, "idle-timeout = '1h'"))
    #expect(try host.client(of: "10.1.0.1:5678").ask("hello") != nil)
    try host.reload(ReloadHost.echo("stays", 5678, "idle-timeout = '100ms'"))
    try eventually("the session ends") { try host.ledger(of: "stays")?.sessionsEnded == ["idle": 1] }
  }

  @Test func anotherBackendGetsWhatComesFromNowOnAndNothingIsLost() throws {
    let network = try PairNetwork()
    let services = try [7001, 7002].map { try TestService(on: Endpoint(.loopbackIPv4, $0), in: network.host) }
    let relay = { (port: Int) in "[[relay]]\nname = 'moves'\nlisten = [5678]\nbackend = '127.0.0.1:\(port)'\n" }
    let host = try ReloadHost(network, relay(7001))
    let paced = try PacedTraffic(UDPClient(in: network.client, from: Endpoint(.anyIPv4, 0)), to: .of("10.1.0.1:5678"))
    try eventually("answers") { try paced.answered() > 10 }
    for backend in [7002, 7001, 7002] {
      let before = try paced.answered()
      try host.reload(relay(backend))
      try eventually("answers of the other one") { try paced.answered() > before + 10 }
    }
    let (sent, answered) = try paced.stop()
    // A reply that was under way from the one before is lost with its session, one for each change at most.
    #expect((sent - 3...sent).contains(answered), "\(sent) sent, \(answered) answered")
    #expect(services.map(\.tally.received).reduce(0, +) == sent)
    let ledger = try #require(try host.ledger(of: "moves"))
    #expect(ledger.sessionsCreated == 4 && ledger.sessions == 1 && ledger.sessionsEnded == ["reconfigured": 3])
  }

  @Test func aPortThatGoesToAnotherRelayKeepsItsSocket() throws {
    let network = try PairNetwork()
    let host = try ReloadHost(network, stays + ReloadHost.echo("other", 5679))
    let inodes = { () throws in
      try network.host.run { () throws(Errno) in try UDPSocketTable.read(port: 5679).map(\.inode) }
    }
    let before = try inodes()
    try host.reload(ReloadHost.echo("stays", 5679) + ReloadHost.echo("other", 5678))
    #expect(try inodes() == before)
    for asked in ["10.1.0.1:5678", "10.1.0.1:5679"] { #expect(try host.client(of: asked).ask("hello") != nil) }
    let expected = try expectation(asked: "10.1.0.1:5679", times: 1)
    try eventually("it is counted") { try host.ledger(of: "stays") == expected }
  }

  @Test func theLogLevelChanges() throws {
    let host = try ReloadHost(PairNetwork(), "log-level = 'error'\n" + stays)
    let mark = host.relay.process.mark
    try host.reload("log-level = 'info'\n" + stays)
    try network(host).add(["10.1.0.9/16"], to: "eth0")
    try host.relay.process.waitForLine(containing: "listening again or anew", since: mark)
  }

  // MARK: What is refused

  @Test func aMistakeKeepsTheOldOneAndIsToldWithItsPlace() throws {
    let host = try ReloadHost(PairNetwork(), stays)
    let client = try host.client(of: "10.1.0.1:5678")
    #expect(try client.ask("hello") != nil)
    #expect(
      try host.reloadInVain(stays + "colour = 'red'").contains("multihomed.toml:6:1: there is no key colour here"))
    #expect(try client.ask("still?") != nil)
    #expect(try host.ledger(of: "stays")?.sessionsCreated == 1)
    try host.reload(stays + ReloadHost.echo("comes", 5679))
  }

  @Test func aPortThatSomebodyElseHoldsKeepsTheOldOneAsAWhole() throws {
    let network = try PairNetwork()
    let holder = try TestService(on: .of("10.1.0.1:5680"), in: network.host)
    // A link-local address would come a second later, when its detection is over.
    let host = try ReloadHost(network, ReloadHost.echo("stays", 5678, "ipv4-only = true"))
    let descriptors = KernelView(host.relay).descriptors
    let said = try host.reloadInVain(ReloadHost.echo("new", 5679) + ReloadHost.echo("taken", 5680))
    #expect(said.contains("10.1.0.1:5680 is in use by "), "\(said)")
    #expect(try host.client(of: "10.1.0.1:5678").ask("still?") != nil)
    try host.expectNobody(at: "10.1.0.1:5679")
    try eventually("nothing is left of it") { KernelView(host.relay).descriptors == descriptors }
    _ = holder
  }

  @Test func aFileThatIsGoneKeepsTheOldOne() throws {
    let host = try ReloadHost(PairNetwork(), stays)
    host.removeFile()
    #expect(try host.reloadInVain(nil).contains("No such file or directory"))
    #expect(try host.client(of: "10.1.0.1:5678").ask("still?") != nil)
  }

  // MARK: For years

  @Test func aThousandReloadsUnderLoadLoseNothingAndLeaveNothing() throws {
    let network = try PairNetwork()
    // A link-local address would come a second later, when its detection is over.
    let stays = ReloadHost.echo("stays", 5678, "ipv4-only = true")
    let host = try ReloadHost(network, stays)
    let descriptors = KernelView(host.relay).descriptors
    let paced = try PacedTraffic(UDPClient(in: network.client, from: Endpoint(.anyIPv4, 0)), to: .of("10.1.0.1:5678"))
    let others = [
      ReloadHost.echo("comes", 5679), ReloadHost.echo("comes", 5679, "max-sessions = 10"), "",
      ReloadHost.echo("other", 5680, "upstream = 'connected'") + ReloadHost.echo("comes", 5681),
    ]
    var bytes = 0
    for round in 1...Self.reloads {
      if round.isMultiple(of: 10) {
        try network.host.ip(["address \(round.isMultiple(of: 20) ? "delete" : "add") 10.1.0.9/16 dev eth0"])
      }
      try host.reload(stays + others[round % others.count])
      if round.isMultiple(of: 50) { #expect(try host.client(of: "10.1.0.1:5678").ask("hello") != nil) }
      if round == Self.reloads / 5 { bytes = try host.relay.process.residentBytes() }
    }
    let (sent, answered) = try paced.stop()
    #expect(answered == sent)
    if !isSanitized { #expect(try host.relay.process.residentBytes() - bytes < 1 << 20) }
    // An address that is gone keeps its socket for ten seconds.
    try host.reload(stays)
    try eventually("as many descriptors as at the start", within: .seconds(20)) {
      KernelView(host.relay).descriptors == descriptors
    }
    #expect(try host.ledger(of: "stays")?.sessionsEnded == [:])
  }

  private static let reloads = isSanitized ? 200 : 1000

  private func network(_ host: ReloadHost) -> NetworkNamespace { host.network.host }

  private func expectation(asked: String, times: Int) throws -> Ledger {
    var ledger = Ledger()
    ledger.began(1)
    for _ in 0..<times { ledger.echoed(at: try .of(asked), [[UInt8]("hello".utf8)]) }
    return ledger
  }
}
