import Linux
import Support
import Testing

/// Sources that nobody can have: whoever forges them gets no session.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct HostileClientTests {
  /// The host checks no sources (rp_filter), so that the kernel lets through whatever it ever lets through.
  private func scene(_ way: Way) throws -> BackendScene {
    let scene = try BackendScene(way)
    for device in ["all", "eth0", "lo"] { try scene.network.host.set("net/ipv4/conf/\(device)/rp_filter", to: "0") }
    try scene.startService()
    return scene
  }

  @Test(arguments: Way.local)
  func whoCannotBeAnsweredGetsNoSession(way: Way) throws {
    let scene = try scene(way)
    let asked6 = try Endpoint.of("[fd01::1]:5678")
    var ledger = Ledger()
    func forge(_ source: String, reason: String) throws {
      let source = try Endpoint.of(source)
      let request = ServiceProgram.Request().bytes("hello")
      try scene.network.client.forge(request, from: source, to: source.address.isIPv4 ? scene.asked : asked6)
      ledger.dropped[reason, default: 0] += 1
      try scene.relay.settle(on: ledger)
    }
    try forge("10.1.255.1:0", reason: "source_port_zero")
    try forge("[fd01::ffff]:0", reason: "source_port_zero")
    // Their number is no reason to look no longer.
    for last in 0..<16 { try forge("10.1.7.\(last):0", reason: "source_port_zero") }
    try forge("10.1.255.255:4000", reason: "invalid_source")
    try forge("240.0.0.1:4000", reason: "invalid_source")
    try forge("255.255.255.254:4000", reason: "invalid_source")

    let request = ServiceProgram.Request().bytes("hello")
    #expect(try scene.client().ask(request)?.bytes == request)
    ledger.echoed(at: scene.asked, [request])
    ledger.began(1)
    try scene.relay.settle(on: ledger)
  }

  /// The kernel sees to these itself.
  @Test func someSourcesNeverArrive() throws {
    let scene = try scene(.multiplexed)
    let request = ServiceProgram.Request().bytes("hello")
    for source in ["127.0.0.1:4000", "10.1.0.1:4000", "224.0.0.1:4000", "255.255.255.255:4000", "0.0.0.0:4000"] {
      try scene.network.client.forge(request, from: .of(source), to: scene.asked)
    }
    // What comes after them has come, so they are lost.
    #expect(try scene.client().ask(request)?.bytes == request)
    var ledger = Ledger()
    ledger.echoed(at: scene.asked, [request])
    ledger.began(1)
    try scene.relay.settle(on: ledger)
  }

  /// A datagram from the multiplexing upstream itself: the backend has been told to forward to us, or somebody plays with us.
  @Test func ourOwnUpstreamIsNoClient() throws {
    let scene = try scene(.multiplexed)
    let port = try scene.upstreamPort()
    for source in ["127.64.0.0", "127.64.0.1", "127.127.255.255"] {
      try scene.network.host.forge([1, 2, 3], from: .of("\(source):\(port)"), to: scene.asked)
    }
    var ledger = Ledger()
    ledger.dropped["own_upstream"] = 3
    try scene.relay.settle(on: ledger)

    // Another port, or another address: a neighbour within the host.
    try scene.network.host.forge([1, 2, 3], from: .of("127.64.0.0:\(port ^ 1)"), to: scene.asked)
    try scene.network.host.forge([1, 2, 3], from: .of("127.1.0.0:\(port)"), to: scene.asked)
    ledger.began(2)
    ledger.echoed(at: scene.asked, [[1, 2, 3], [1, 2, 3]])
    try scene.relay.settle(on: ledger)
  }
}
