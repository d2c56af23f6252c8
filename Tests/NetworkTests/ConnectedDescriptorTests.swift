import Linux
import Support
import Testing

/// A connected upstream takes a descriptor for each session; they may run out.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct ConnectedDescriptorTests {
  @Test func whenDescriptorsRunOutOldSessionsGoOnAndNewOnesAreRefused() throws {
    let network = try PairNetwork()
    let service = try ServiceProgram(on: .of("127.0.0.1:7000"), in: network.host)
    let relay = try MultihomedProcess.start(
      in: network.host,
      ["--nofile=100:100", try MultihomedProcess.path(), "relay", "--listen", "5678", "--backend", "127.0.0.1:7000"]
        + ["--upstream", "connected", "--idle-timeout", "10s", "--log-format", "json"],
      program: "/usr/bin/prlimit")
    let asked = try Endpoint.of("10.1.0.1:5678")
    let request = ServiceProgram.Request().bytes("hello")
    var ledger = Ledger()

    var clients: [UDPClient] = []
    while clients.count < 100 {
      let client = try UDPClient(in: network.client, to: asked)
      guard try client.ask(request, within: .seconds(2)) != nil else { break }
      clients.append(client)
      ledger.echoed(at: asked, [request])
    }
    ledger.began(clients.count)
    #expect((40..<100).contains(clients.count))
    var refused = 1
    func countRefusal() {
      // Its session began, and ended for want of a socket.
      ledger.began(1)
      ledger.ended("upstream_unavailable", 1)
      ledger.dropped["upstream_unavailable"] = refused
    }
    countRefusal()
    try relay.settle(on: ledger)
    for _ in 1...20 {
      refused += 1
      try UDPClient(in: network.client, to: asked).send(request)
      countRefusal()
      // One by one: several in a batch are more sessions at once than the table may hold, and some then end for that.
      try relay.settle(on: ledger)
    }
    for client in clients {
      #expect(try client.ask(request)?.bytes == request)
      ledger.echoed(at: asked, [request])
    }
    try relay.settle(on: ledger)
    let lines = relay.process.lines(of: .error).filter { $0.contains("no socket towards the backend") }
    #expect(lines.count == 1, "\(lines)")

    // The address plane has its own: an address that is added now is served.
    try network.host.add(["10.1.0.9/16"], to: "eth0")
    try eventually("all sessions to end", within: .seconds(30)) { try relay.ledger().sessions == 0 }
    ledger.ended("idle", clients.count)
    let other = try Endpoint.of("10.1.0.9:5678")
    try eventually("the new address") {
      (try? UDPClient(in: network.client, to: other).ask(request, within: .milliseconds(100))) != nil
    }
    let late = try UDPClient(in: network.client, to: asked)
    #expect(try late.ask(request)?.bytes == request)
    let found = try relay.ledger()
    #expect(found.dropped == ledger.dropped)
    #expect(found.sessionsEnded["upstream_unavailable"] == refused)
    #expect(service.process.exit == nil)
  }
}
