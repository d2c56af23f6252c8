import Glibc
import Linux
import Support
import Testing

/// Whatever clients of the metrics do, nobody who is relayed notices.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct MetricsAttackTests {
  private static let clients = 200

  /// Some say nothing, some half a request, some ask and never read.
  private func slowClients(
    of place: ListeningSocket.Place, in namespace: NetworkNamespace, from sources: [IPAddress] = []
  ) throws -> [StreamClient] {
    try (0..<Self.clients).map { number in
      let source = sources.isEmpty ? nil : sources[number % sources.count]
      let client = try StreamClient(to: place, in: namespace, from: source, receiveBuffer: 2048)
      switch number % 3 {
      case 0: break
      case 1: client.send("GET /metrics HTTP/1.1\r\nX-Slow: ")
      default: client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
      }
      return client
    }
  }

  @Test func slowClientsAndAGigabyteChangeNothingForTheRelay() throws {
    let network = try PairNetwork()
    let host = try RelayedHost(network, ["--metrics", "10.1.0.1:9478"])
    let place = ListeningSocket.Place.network(try .of("10.1.0.1:9478"))
    _ = try host.settledDescriptors()
    let paced = try PacedTraffic(host.open(), to: host.endpoint("10.1.0.1"))
    for _ in 0..<50 { _ = try Scrape(place, in: host.host) }
    let descriptors = host.kernel.descriptors
    let before = try host.relay.process.residentBytes()
    var most = before
    do {
      let clients = try slowClients(of: place, in: host.client)
      let sender = try StreamClient(to: place, in: host.host)
      sender.send("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
      let piece = [UInt8](repeating: 120, count: 1 << 20)
      var sent = 0
      while sent < 1000, sender.send(piece) { sent += 1 }
      #expect(sent < 1000)
      let end = Instant.now + .seconds(7)
      while Instant.now < end {
        // Another address's requests are answered as ever.
        let asked = Instant.now
        _ = try Scrape(place, in: host.host)
        #expect(Instant.now - asked < .seconds(isSanitized ? 5 : 2))
        most = max(most, try host.relay.process.residentBytes())
        for client in clients { client.send("a") }
        Nanoseconds.milliseconds(100).sleep()
      }
      #expect(host.kernel.descriptors - descriptors <= 64)
    }
    let (sent, answered) = try paced.stop()
    #expect(answered == sent)
    let counted = try Scrape(place, in: host.host).counted
    for direction in ["to_backend", "to_client"] {
      #expect(counted["datagrams_total{default,10.1.0.1,\(direction)}"] == Double(sent))
    }
    #expect(counted.keys.filter { $0.hasPrefix("dropped") || $0.hasPrefix("send_errors") }.isEmpty)
    print("FIGURE resident memory while metrics are attacked grew by KiB:", (most - before) >> 10)
    if isOptimised, !isSanitized { #expect(most - before < 3 << 20) }
    try eventually("every connection is closed", within: .seconds(40)) { host.kernel.descriptors == descriptors }
  }

  /// From enough addresses nobody else is let in to the metrics; datagrams are relayed as ever.
  @Test func whoeverTakesEveryConnectionDoesNotSlowTheRelayDown() throws {
    let network = try PairNetwork()
    let host = try RelayedHost(network, ["--metrics", "10.1.0.1:9478"])
    let place = ListeningSocket.Place.network(try .of("10.1.0.1:9478"))
    let sources = (1...8).map { "10.1.200.\($0)" }
    try network.client.add(sources.map { $0 + "/16" }, to: "eth0")
    let descriptors = try host.settledDescriptors()
    let paced = try PacedTraffic(host.open(), to: host.endpoint("10.1.0.1"))
    try eventually("there is something to compare with") { try paced.answered() >= 2_000 }
    let before = paced.takeDelays()
    var most = 0
    do {
      let clients = try slowClients(of: place, in: host.client, from: sources.map { try #require(IPAddress($0)) })
      let end = Instant.now + .seconds(5)
      while Instant.now < end {
        most = max(most, host.kernel.descriptors - descriptors)
        for client in clients { client.send("a") }
        Nanoseconds.milliseconds(100).sleep()
      }
    }
    let during = paced.takeDelays()
    let (sent, answered) = try paced.stop()
    #expect(answered == sent)
    // All that may be served at once were, and no more.
    #expect((60...64).contains(most), "\(most) connections")
    for (name, delays) in [("before", before), ("during", during)] {
      try #require(delays.count > 100)
      let (half, most) = (delays[delays.count / 2].count / 1_000, delays[delays.count * 99 / 100].count / 1_000)
      print("FIGURE round trip \(name) an attack on the metrics, us: p50 \(half), p99 \(most)")
    }
    if !isSanitized { #expect((during.last ?? .zero) < .milliseconds(250)) }
    try eventually("others are let in again", within: .seconds(40)) {
      (try? Scrape(place, in: host.host)) != nil
    }
  }

  @Test(arguments: [
    "BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "\0\0\0\0\n\n",
    "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n",
    "GET /metrics?%00%00%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET " + String(repeating: "/", count: 100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n",
  ])
  func badRequestsAreSurvived(_ request: String) throws {
    let host = try RelayedHost(PairNetwork(), ["--metrics", "127.0.0.1:9478"])
    let client = try StreamClient(to: Scrape.place, in: host.host)
    client.send(request)
    client.finish()
    #expect(client.isClosed(within: .seconds(10)))
    #expect(try host.open().ask("hello", of: host.endpoint("10.1.0.1")) != nil)
    _ = try Scrape(in: host.host)
  }

  /// When listeners have taken every descriptor, whoever asks waits; the control loop must not turn for that without end.
  @Test func whoeverAsksForWantOfADescriptorWaitsAndNothingSpins() throws {
    let network = try PairNetwork()
    try network.host.ip(["address flush dev eth0 scope link"])
    let relay = ["relay", "--listen", "5678", "--backend", "echo", "--metrics", "127.0.0.1:9478", "--ipv4-only"]
    let process = try ManagedProcess(
      "prlimit", ["--nofile=130:130", MultihomedProcess.path()] + relay, in: network.host)
    try process.waitForLine(containing: "ready: ")
    let many = (1...150).map { "10.1.7.\($0)/16" }
    try network.host.add(many, to: "eth0")
    try process.waitForLine(containing: "no descriptor left")
    let client = try StreamClient(to: Scrape.place, in: network.host)
    client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    let before = try processorSeconds(of: process)
    #expect(!client.isClosed(within: .seconds(2)))
    #expect(try processorSeconds(of: process) - before < 0.5)
    // After the grace there are descriptors again.
    try network.host.remove(many, from: "eth0")
    let answer = try eventually("an answer", within: .seconds(40)) { HTTPAnswer(client.receiveAll()) }
    #expect(answer.status == 200)
  }

  private func processorSeconds(of process: ManagedProcess) throws -> Double {
    let stat = ProcFile.read("/proc/\(process.processID)/stat")?.split(separator: ")").last?.split(separator: " ") ?? []
    guard stat.count > 12, let user = Double(stat[11]), let system = Double(stat[12]) else {
      throw TestFailure("no times in /proc/PID/stat")
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}
