import Linux
import Support
import Testing

/// What `--listen` and `--backend` make of ports and addresses.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct ListenTests {
  private func ask(_ asked: Endpoint, in namespace: NetworkNamespace, expecting text: String) throws {
    let client = try UDPClient(in: namespace, to: asked)
    let reply = try client.ask("hello")
    #expect(reply?.from == asked)
    #expect(reply.map { String(decoding: $0.bytes, as: UTF8.self) } == text)
  }

  private func isClosed(_ endpoint: Endpoint, in namespace: NetworkNamespace) throws -> Bool {
    let client = try UDPClient(in: namespace, to: endpoint)
    do throws(Errno) {
      return try client.ask("anybody?", within: .milliseconds(100)) == nil
    } catch { return error == .connectionRefused }
  }

  @Test(arguments: [
    ("127.0.0.1", ""), ("127.0.0.1", "--upstream connected"), ("[::1]", ""), ("127.0.0.1", "--workers 2"),
  ]
  )
  func aPortRangeIsMappedOneToOne(address: String, options: String) throws {
    let network = try PairNetwork()
    let services = try (0..<4).map { try TestService(on: .of("\(address):\(16_000 + $0)"), in: network.host) }
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 6000-6003 --backend \(address):16000-16003 \(options)")
    var ledger = Ledger()
    for place in 0..<4 {
      for host in ["10.1.0.1", "fd01::1"] {
        let asked = Endpoint(try .of(host), UInt16(6000 + place))
        try ask(asked, in: network.client, expecting: "hello")
        ledger.echoed(at: asked, [[UInt8]("hello".utf8)])
        ledger.began(1)
      }
    }
    for service in services { #expect(service.tally.received == 2) }
    for port: UInt16 in [5999, 6004] {
      #expect(try isClosed(Endpoint(.of("10.1.0.1"), port), in: network.client))
    }
    try relay.settle(on: ledger)
    #expect(relay.ready.hasSuffix("addresses, port 6000-6003, backend \(address):16000-16003"))
  }

  @Test func onePortFromOneSocketIsAnotherClientToEachPort() throws {
    let network = try PairNetwork()
    let services = try (0..<2).map { try TestService(on: .of("127.0.0.1:\(16_000 + $0)"), in: network.host) }
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 6000-6001 --backend 127.0.0.1:16000-16001 --ipv4-only")
    let client = try UDPClient(in: network.client, from: .of("0.0.0.0:40000"))
    let asked = try [Endpoint.of("10.1.0.1:6000"), .of("10.1.0.1:6001")]
    var ledger = Ledger()
    for endpoint in asked {
      let reply = try client.ask("\(endpoint)", of: endpoint)
      #expect(reply?.from == endpoint)
      ledger.echoed(at: endpoint, [[UInt8]("\(endpoint)".utf8)])
    }
    ledger.began(2)
    try relay.settle(on: ledger)
    #expect(services.map(\.tally.received) == [1, 1])
  }

  @Test func severalPortsGoToOneBackend() throws {
    let network = try PairNetwork()
    let service = try TestService(on: .of("127.0.0.1:16000"), in: network.host)
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 6000 --listen 6010-6011 --listen 10.1.0.1:7000 --backend 127.0.0.1:16000")
    var ledger = Ledger()
    for text in [
      "10.1.0.1:6000", "10.1.0.1:6010", "10.1.0.1:6011", "10.1.0.1:7000", "[fd01::1]:6000", "[fd01::1]:6010",
      "[fd01::1]:6011",
    ] {
      try ask(.of(text), in: network.client, expecting: "hello")
      ledger.echoed(at: try .of(text), [[UInt8]("hello".utf8)])
      ledger.began(1)
    }
    #expect(try isClosed(.of("[fd01::1]:7000"), in: network.client))
    #expect(service.tally.received == 7)
    try relay.settle(on: ledger)
  }

  @Test(arguments: ["10.1.0.2:5678", "[fd01::2]:5678"])
  func anAddressWithAPortIsTheOnlyOneServed(listen: String) throws {
    let network = try PairNetwork(host: ["10.1.0.1/16", "10.1.0.2/16", "fd01::1/64", "fd01::2/64"])
    let service = try TestService(on: .of("127.0.0.1:5678"), in: network.host)
    let relay = try MultihomedProcess.relay(in: network.host, "--listen \(listen) --backend 127.0.0.1:5678")
    try ask(.of(listen), in: network.client, expecting: "hello")
    for other in ["10.1.0.1", "10.1.0.2", "fd01::1", "fd01::2"] where !listen.contains(other) {
      #expect(try isClosed(Endpoint(.of(other), 5678), in: network.client), "\(other)")
    }
    var ledger = Ledger()
    ledger.echoed(at: try .of(listen), [[UInt8]("hello".utf8)])
    ledger.began(1)
    try relay.settle(on: ledger)
    #expect(service.tally.received == 1)
  }

  @Test(arguments: [
    ("--interface eth0", ["10.1.0.1", "fd01::1"]), ("--interface eth* --ipv4-only", ["10.1.0.1"]),
    ("--ipv6-only", ["fd01::1", "fd01:2::1"]), ("--address 10.0.0.0/8 --address !10.2.0.0/16", ["10.1.0.1"]),
    ("--interface !eth0", ["10.2.0.1", "fd01:2::1"]),
    ("", ["10.1.0.1", "fd01::1", "10.2.0.1", "fd01:2::1"]),
  ])
  func filtersChooseWhoAnswers(options: String, answering: [String]) throws {
    let network = try PairNetwork()
    try network.host.ip(["link add uplink type bridge", "link set uplink up"])
    try network.host.add(["10.2.0.1/16", "fd01:2::1/64"], to: "uplink")
    try network.client.ip(["route add 10.2.0.0/16 via 10.1.0.1", "route add fd01:2::/64 via fd01::1"])
    let service = try TestService(on: .of("127.0.0.1:5678"), in: network.host)
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 5678 --backend 127.0.0.1:5678 \(options)")
    var ledger = Ledger()
    for address in ["10.1.0.1", "fd01::1", "10.2.0.1", "fd01:2::1"] {
      let asked = Endpoint(try .of(address), 5678)
      if answering.contains(address) {
        try ask(asked, in: network.client, expecting: "hello")
        ledger.echoed(at: asked, [[UInt8]("hello".utf8)])
        ledger.began(1)
      } else {
        #expect(try isClosed(asked, in: network.client), "\(address)")
      }
    }
    try relay.settle(on: ledger)
    #expect(service.tally.received == answering.count)
  }

  @Test func loopbackIsServedOnlyWhenAsked() throws {
    let network = try PairNetwork()
    let service = try TestService(on: .of("127.0.0.1:15678"), in: network.host)
    let relay = try MultihomedProcess.relay(
      in: network.host, "--listen 5678 --backend 127.0.0.1:15678 --loopback")
    var ledger = Ledger()
    for text in ["127.0.0.1:5678", "[::1]:5678", "10.1.0.1:5678"] {
      try ask(.of(text), in: network.host, expecting: "hello")
      ledger.echoed(at: try .of(text), [[UInt8]("hello".utf8)])
      ledger.began(1)
    }
    try relay.settle(on: ledger)
    #expect(service.tally.received == 3)
  }

  /// The built-in backend is a real one.
  @Test(arguments: ["", "--workers 2"])
  func theEchoBackendEchoes(options: String) throws {
    let network = try PairNetwork()
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend echo \(options)")
    var ledger = Ledger()
    for text in ["10.1.0.1:5678", "[fd01::1]:5678"] {
      let client = try UDPClient(in: network.client, to: .of(text))
      for size in [0, 1, 1472, 9000, 65_507] {
        #expect(try client.ask(pattern(size))?.bytes == pattern(size))
        ledger.echoed(at: try .of(text), [pattern(size)])
      }
      ledger.began(1)
    }
    try relay.settle(on: ledger)
    #expect(relay.ready.hasSuffix("addresses, port 5678, backend echo"))
  }

  /// How often each worker has slept: it does so after each datagram when they come one by one.
  private func sleeps(of relay: MultihomedProcess) throws -> [Int] {
    let tasks = "/proc/\(relay.process.processID)/task"
    let workers = ProcFile.names(in: tasks).filter { ProcFile.read("\(tasks)/\($0)/comm")?.hasPrefix("worker") == true }
    return try workers.sorted().map { task in
      let lines = ProcFile.read("\(tasks)/\(task)/status")?.split(separator: "\n") ?? []
      let line = lines.first { $0.hasPrefix("voluntary_ctxt_switches") }
      return try #require(line?.split(separator: "\t").last.flatMap { Int($0) })
    }
  }

  @Test(arguments: ["10.1.0.1:5678", "[fd01::1]:5678"])
  func allWorkersHaveTheirPartOfTheClients(text: String) throws {
    let network = try PairNetwork()
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend echo --workers 3")
    let before = try sleeps(of: relay)
    var ledger = Ledger()
    // All at the same time, so that no two have the same port.
    let clients = try (0..<120).map { _ in try UDPClient(in: network.client, to: .of(text)) }
    for client in clients {
      #expect(try client.ask([1])?.bytes == [1])
      ledger.echoed(at: try .of(text), [[1]])
    }
    ledger.began(120)
    try relay.settle(on: ledger)
    let after = try sleeps(of: relay)
    #expect(after.count == 3)
    // About 40 clients each; fewer than 10 would be a miracle.
    for (before, after) in zip(before, after) { #expect(after - before >= 10) }
  }
}
