import Linux
import Support
import Testing

/// Refusals as the kernel itself makes them, by routes and by firewall rules that come while sessions are at work.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct RealRefusalTests {
  /// A kind of route, and what the kernel says to whoever would send that way.
  private static let routes: [(kind: String, errno: Errno)] = [
    ("prohibit", .accessDenied), ("unreachable", .hostUnreachable), ("blackhole", .invalidArgument),
    ("throw", .networkUnreachable),
  ]

  @Test func aRouteToTheClientThatIsTakenAwayCostsOnlyThatClient() throws {
    let scene = try BackendScene(.multiplexed)
    try scene.startService()
    let crowd = try scene.crowd()
    let neighbour = try scene.client()
    let request = ServiceProgram.Request().bytes("hello")
    var asked = 0
    for (number, route) in Self.routes.enumerated() {
      try crowd.send(Crowd.Order())
      try crowd.receive(own: number + 1)
      try scene.network.host.ip(["route add \(route.kind) 10.64.0.0/32"])
      try crowd.send(Crowd.Order())
      try eventually("\(route.errno)") { try scene.relay.ledger().refusedToClient[route.errno.name] == 1 }
      #expect(try neighbour.ask(request)?.bytes == request)
      try scene.network.host.ip(["route del \(route.kind) 10.64.0.0/32"])
      asked += 1
    }
    try crowd.send(Crowd.Order())
    try crowd.receive(own: Self.routes.count + 1)
    let ledger = try scene.relay.ledger()
    #expect(ledger.refusedToClient == Dictionary(uniqueKeysWithValues: Self.routes.map { ($0.errno.name, 1) }))
    #expect(ledger.refusedToBackend == [:])
    #expect(ledger.sessionsCreated == 2 && asked == 4)
  }

  @Test func aRouteToTheBackendThatComesBackFindsTheSameSessions() throws {
    let scene = try BackendScene(.remote)
    try scene.startService()
    let crowd = try scene.crowd()
    // The only route to the backend shall be its own, so that taking it away leaves none.
    for (number, route) in Self.routes.enumerated() {
      try crowd.send(Crowd.Order())
      try crowd.receive(own: number + 1)
      try scene.network.host.ip(["route add \(route.kind) 10.1.255.1/32"])
      try crowd.send(Crowd.Order())
      try eventually("\(route.errno)") { try scene.relay.ledger().refusedToBackend[route.errno.name] == 1 }
      try scene.network.host.ip(["route del \(route.kind) 10.1.255.1/32"])
    }
    try crowd.send(Crowd.Order())
    try crowd.receive(own: Self.routes.count + 1)
    let ledger = try scene.relay.ledger()
    #expect(ledger.refusedToBackend == Dictionary(uniqueKeysWithValues: Self.routes.map { ($0.errno.name, 1) }))
    #expect(ledger.refusedToClient == [:])
    #expect(ledger.sessionsCreated == 1)
  }

  @Test(.enabled(if: Self.hasFirewall, "nft is missing, or may not be used here"), arguments: Way.local)
  func whatAFirewallDropsIsCountedAsNotPermitted(way: Way) throws {
    let scene = try BackendScene(way)
    try scene.startService()
    let client = try scene.client()
    let request = ServiceProgram.Request().bytes("hello")
    var ledger = Ledger()
    ledger.began(1)
    func ask() throws {
      #expect(try client.ask(request)?.bytes == request)
      ledger.echoed(at: scene.asked, [request])
    }
    try ask()
    try Self.nft("add rule ip t out udp dport 7000 drop", in: scene.network.host)
    for _ in 1...3 { try client.send(request) }
    ledger.refusedToBackend["EPERM"] = 3
    try scene.relay.settle(on: ledger)

    try Self.nft("flush chain ip t out", in: scene.network.host)
    try ask()
    try Self.nft("add rule ip t out udp sport 5678 drop", in: scene.network.host)
    for _ in 1...3 {
      try client.send(request)
      ledger.passed(to: scene.asked, [request])
    }
    ledger.refusedToClient["EPERM"] = 3
    try scene.relay.settle(on: ledger)
    try Self.nft("flush chain ip t out", in: scene.network.host)
    try ask()
    try scene.relay.settle(on: ledger)
  }

  private static let hasFirewall: Bool = {
    guard TestNetwork.isPossible, let network = try? TestNetwork(["probe"]) else { return false }
    return (try? nft("flush chain ip t out", in: network["probe"])) != nil
  }()

  /// Gives nft a command, after it has seen to table `t` and its chain `out`.
  private static func nft(_ command: String, in namespace: NetworkNamespace) throws {
    let rules = "add table ip t\nadd chain ip t out { type filter hook output priority 0; }\n\(command)\n"
    try ManagedProcess.run("nft", ["-f", "-"], in: namespace, input: rules)
  }
}
