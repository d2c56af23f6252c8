import Glibc
import Linux
import Support
import Testing

/// Where metrics are served, and what is said when that is not possible.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct MetricsServingTests {
  private let relay = ReloadHost.echo("stays", 5678)

  private func place(_ text: String) throws -> ListeningSocket.Place { .network(try .of(text)) }

  private func text(_ places: String) -> String { "[metrics]\nlisten = \(places)\n\n\(relay)" }

  @Test func theyAreServedWhereverTheyAreWanted() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/m.sock"
    let options = ["127.0.0.1:9478", "[fd01::1]:80", "unix:\(path)"].flatMap { ["--metrics", $0] }
    let host = try RelayedHost(PairNetwork(), options)
    for place in [Scrape.place, try place("[fd01::1]:80"), .file(path)] {
      #expect(try Scrape(place, in: host.host).samples["sessions{default}"] == 0)
      try host.relay.process.waitForLine(containing: "\"metrics are served\",\"on\":\"\(place)\"")
    }
    #expect(try Scrape(place("[fd01::1]:80"), in: host.client).samples["sessions{default}"] == 0)
    #expect(try host.relay.stop() == .status(0))
    #expect(unsafe access(path, F_OK) != 0)
  }

  @Test func theFileOfAKilledProcessIsReplaced() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/m.sock"
    let network = try PairNetwork()
    for _ in 1...2 {
      let host = try RelayedHost(network, ["--metrics", "unix:\(path)"])
      #expect(try Scrape(.file(path), in: host.host).samples["sessions{default}"] == 0)
      host.relay.process.kill()
      #expect(unsafe access(path, F_OK) == 0)
    }
  }

  /// Connections of a process that is gone keep a port for a minute (TIME_WAIT), but not from us.
  @Test func aRestartFindsItsPort() throws {
    let network = try PairNetwork()
    for _ in 1...3 {
      let host = try RelayedHost(network, ["--metrics", "127.0.0.1:9478"])
      #expect(try Scrape(in: host.host).samples["sessions{default}"] == 0)
      host.relay.process.kill()
    }
  }

  private func failure(_ network: PairNetwork, _ place: String) throws -> String {
    let process = try MultihomedProcess.launch(
      in: network.host, ["relay", "--listen", "5679", "--backend", "echo", "--metrics", place])
    #expect(try process.waitForExit() == .status(78))
    #expect(process.lines().count == 1)
    return process.text(of: .error)
  }

  @Test func whereTheyCannotBeServedIsAnErrorThatSaysWhatToDo() throws {
    let folder = try TemporaryFolder()
    let network = try PairNetwork()
    let host = try RelayedHost(
      network, ["--metrics", "127.0.0.1:9478", "--metrics", "unix:\(folder.path)/m.sock"])
    let start = "multihomed: error: cannot serve metrics on"
    let owner = "multihomed (pid \(host.relay.process.processID)"
    #expect(
      try failure(network, "127.0.0.1:9478")
        == "\(start) 127.0.0.1:9478: it is in use by \(owner), on 127.0.0.1:9478); give another port to --metrics")
    #expect(try failure(network, "0.0.0.0:9478").contains("it is in use by \(owner), on 127.0.0.1:9478)"))
    let taken = "unix:\(folder.path)/m.sock"
    #expect(
      try failure(network, taken)
        == "\(start) \(taken): \(owner)) listens there; end that, or give another path to --metrics")
    try folder.write("mine", to: "file")
    #expect(try failure(network, "unix:\(folder.path)/file").contains("something other than a socket is there"))
    #expect(try failure(network, "unix:\(folder.path)/file/m").contains("\(folder.path)/file is no folder"))
    #expect(try failure(network, "unix:\(folder.path)/no/m").contains("there is no folder \(folder.path)/no; make it"))
    #expect(try failure(network, "192.0.2.1:9478").contains("it is no address of this host"))
    // Who was there is not disturbed.
    #expect(try Scrape(in: network.host).samples["sessions{default}"] == 0)
    #expect(try Scrape(.file("\(folder.path)/m.sock"), in: network.host).samples["sessions{default}"] == 0)
  }

  @Test func aReloadOpensClosesAndKeeps() throws {
    let host = try ReloadHost(PairNetwork(), relay)
    let process = host.relay.process
    try host.reload(text("'127.0.0.1:9478'"))
    try process.waitForLine(containing: "\"metrics are served\",\"on\":\"127.0.0.1:9478\"")
    #expect(try Scrape(in: host.network.host).samples["config_reloads_total{success}"] == 1)
    try host.reload(text("['127.0.0.1:9478', '[::1]:9479']"))
    let added = try place("[::1]:9479")
    for place in [Scrape.place, added] {
      #expect(try Scrape(place, in: host.network.host).samples["config_reloads_total{success}"] == 2)
    }
    #expect(process.lines().filter { $0.contains("metrics are served") }.count == 2)
    try host.reload(text("'[::1]:9479'"))
    try process.waitForLine(containing: "\"metrics are not served any more\",\"on\":\"127.0.0.1:9478\"")
    #expect(throws: Errno.connectionRefused) { try StreamClient(to: Scrape.place, in: host.network.host) }
    #expect(try Scrape(added, in: host.network.host).samples["config_reloads_total{success}"] == 3)
    try host.reload(relay)
    #expect(throws: Errno.connectionRefused) { try StreamClient(to: added, in: host.network.host) }
  }

  @Test func aReloadThatCannotServeThemKeepsWhatThereIs() throws {
    let network = try PairNetwork()
    let other = try RelayedHost(network, port: 5680, ["--metrics", "127.0.0.1:9479"])
    let host = try ReloadHost(network, text("'127.0.0.1:9478'"))
    let descriptors = KernelView(host.relay).descriptors
    let said = try host.reloadInVain(text("['127.0.0.1:9477', '127.0.0.1:9479']") + ReloadHost.echo("new", 5681))
    #expect(said.contains("cannot serve metrics on 127.0.0.1:9479: it is in use by multihomed (pid "), "\(said)")
    #expect(throws: Errno.connectionRefused) { try StreamClient(to: place("127.0.0.1:9477"), in: network.host) }
    let samples = try Scrape(in: network.host).samples
    #expect(samples["config_reloads_total{failure}"] == 1)
    #expect(samples["config_last_reload_successful"] == 0)
    try eventually("nothing is left of it") { KernelView(host.relay).descriptors == descriptors }
    try host.reload(text("'127.0.0.1:9478'"))
    #expect(try Scrape(in: network.host).samples["config_last_reload_successful"] == 1)
    _ = other
  }

  @Test func aRelayThatEndsTakesItsMetricsWithItAndOthersGoOn() throws {
    let host = try ReloadHost(PairNetwork(), text("'127.0.0.1:9478'") + ReloadHost.echo("goes", 5679))
    for asked in ["10.1.0.1:5678", "10.1.0.1:5679"] { #expect(try host.client(of: asked).ask("hello") != nil) }
    let scrape = { try Scrape(in: host.network.host).samples }
    try eventually { try scrape()["datagrams_total{goes,10.1.0.1,to_client}"] == 1 }
    try host.reload(text("'127.0.0.1:9478'"))
    let samples = try scrape()
    #expect(samples.keys.filter { $0.contains("goes") }.isEmpty)
    #expect(samples["datagrams_total{stays,10.1.0.1,to_client}"] == 1)
    try host.reload(text("'127.0.0.1:9478'") + ReloadHost.echo("goes", 5679))
    #expect(try scrape()["datagrams_total{goes,10.1.0.1,to_client}"] ?? 0 == 0)
  }

  /// It has given up its rights, and may be another user: what it may not read of itself is left out.
  @Test func whoAdoptsServesThem() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: Endpoint(.anyIPv4, 5678), in: network.host)
    let host = try AdoptedHost(network, port: 5678, ["--metrics", "127.0.0.1:9478"])
    let client = try UDPClient(in: network.container, to: Endpoint(AdoptedHost.far, 5678))
    #expect(try client.ask("hello") != nil)
    try eventually { try Scrape(in: network.host).samples["datagrams_total{adopted,192.168.106.242,to_client}"] == 1 }
    let samples = try Scrape(in: network.host).samples
    #expect(samples["backend_up{adopted,127.0.0.1:5678}"] == 1)
    #expect(try #require(samples["process_resident_memory_bytes"]) > 1e6)
    #expect(try HTTPAnswer.get("/readyz", from: Scrape.place, in: network.host).status == 200)
    _ = (service, host)
  }

  @Test func whoTakesAnothersPlaceServesThemInItsPlace() throws {
    let folder = try TemporaryFolder()
    let file = ListeningSocket.Place.file(folder.path + "/m.sock")
    let scene = try BackendScene(.multiplexed, "--metrics 127.0.0.1:9478 --metrics \(file)")
    try scene.startService()
    let client = try scene.client()
    let request = ServiceProgram.Request().bytes("hello")
    #expect(try client.ask(request) != nil)
    var heir: Heir?
    for _ in 1...2 {
      heir = try Heir(of: scene.relay, after: heir)
      for place in [Scrape.place, file] {
        // It has the session, and has counted nothing yet.
        try eventually("metrics at \(place)") {
          (try? Scrape(place, in: scene.network.host))?.counted == ["sessions{default}": 1]
        }
      }
    }
    #expect(try client.ask(request) != nil)
    try heir?.stop()
    #expect(throws: Errno.self) { try StreamClient(to: file) }
  }

  @Test func whoTakesAnothersPlaceAndCannotServeThemFailsBeforeItDoes() throws {
    let network = try PairNetwork()
    let folder = try TemporaryFolder()
    let configuration = { (place: String) in self.text("'\(place)'") }
    let path = try folder.write(configuration("127.0.0.1:9478"), to: "multihomed.toml")
    let relay = try MultihomedProcess.start(in: network.host, ["relay", "--config", path, "--log-format", "json"])
    try folder.write(configuration("unix:\(folder.path)/no/m.sock"), to: "multihomed.toml")
    relay.process.signal(SIGUSR2)
    try relay.process.waitForLine(containing: "no process has taken over, and this one goes on", of: .error)
    try relay.process.waitForLine(containing: "there is no folder \(folder.path)/no", of: .error)
    #expect(try Scrape(in: network.host).samples["sessions{stays}"] == 0)
  }

  // MARK: Health

  @Test func healthAndReadinessAreTold() throws {
    let network = try PairNetwork()
    let service = try PushingService(on: .loopbackIPv4, in: network.host)
    let host = try RelayedHost(
      network, backend: "\(service.endpoint)", ["--metrics", "127.0.0.1:9478", "--drain-limit", "1h"])
    for (path, body) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
      let answer = try HTTPAnswer.get(path, from: Scrape.place, in: host.host)
      #expect(answer.status == 200 && answer.body == body)
    }
    let client = try host.open()
    try client.send("push", to: host.endpoint("10.1.0.1"))
    #expect(try client.receive() != nil)
    host.relay.process.signal(SIGTERM)
    try eventually("draining") {
      let answer = try HTTPAnswer.get("/readyz", from: Scrape.place, in: host.host)
      return answer.status == 503 && answer.body == "draining: no new sessions are taken\n"
    }
    #expect(try HTTPAnswer.get("/healthz", from: Scrape.place, in: host.host).status == 200)
    host.relay.process.signal(SIGTERM)
    #expect(try host.relay.process.waitForExit() == .status(0))
  }

  @Test func whoListensNowhereIsNotReady() throws {
    let host = try RelayedHost(PairNetwork(), ["--metrics", "127.0.0.1:9478", "--address", "10.1.0.9"])
    let answer = try HTTPAnswer.get("/readyz", from: Scrape.place, in: host.host)
    #expect(answer.status == 503 && answer.body == "no listener is up\n")
    try host.host.add(["10.1.0.9/16"], to: "eth0")
    try eventually { try HTTPAnswer.get("/readyz", from: Scrape.place, in: host.host).status == 200 }
  }

  /// A worker that is held up within a system call.
  @Test(.enabled(if: Trace.isPossible && !isSanitized, "strace cannot trace here"))
  func aWorkerThatStandsStillIsNoticed() throws {
    let host = try RelayedHost(PairNetwork(), ["--metrics", "127.0.0.1:9478"])
    let health = { try HTTPAnswer.get("/healthz", from: Scrape.place, in: host.host) }
    #expect(try health().status == 200)
    let delay = "inject=recvmmsg:delay_enter=600000000"
    let holder = try ManagedProcess(
      "strace", ["-f", "-e", "trace=recvmmsg", "-e", delay, "-p", "\(host.relay.process.processID)"])
    try holder.waitForLine(containing: " attached")
    try host.open().send("hello", to: host.endpoint("10.1.0.1"))
    try eventually("a fault", within: .seconds(30)) {
      let answer = try health()
      return answer.status == 503 && answer.body.hasPrefix("worker 0 has not turned its loop for ")
    }
    // The metrics are still told.
    _ = try Scrape(in: host.host)
    holder.kill()
    try eventually("health", within: .seconds(30)) { try health().status == 200 }
  }
}
