import Glibc
import Linux
import Support
import Testing

/// The metrics of the real program, exactly.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct MetricsTests {
  private static let option = ["--metrics", "127.0.0.1:9478"]

  @Test func everyDatagramIsCountedByAddressAndDirection() throws {
    let host = try RelayedHost(PairNetwork(host: ["10.1.0.1/16", "10.1.0.2/16", "fd01::1/64"]), Self.option)
    var expected = ["sessions{default}": 3.0, "sessions_created_total{default}": 3]
    for (address, count, size) in [("10.1.0.1", 7, 1), ("10.1.0.2", 11, 100), ("fd01::1", 13, 0)] {
      let client = try host.open(.of(address))
      for _ in 0..<count { #expect(try client.ask(pattern(size), of: host.endpoint(address)) != nil) }
      for direction in ["to_backend", "to_client"] {
        expected["datagrams_total{default,\(address),\(direction)}"] = Double(count)
        if size > 0 { expected["bytes_total{default,\(address),\(direction)}"] = Double(count * size) }
      }
    }
    try Scrape.settle(in: host.host, on: expected)
    let all = try Scrape(in: host.host).samples
    for address in ["10.1.0.1", "10.1.0.2", "fd01::1"] { #expect(all["listener_up{default,\(address),5678}"] == 1) }
    #expect(all["session_limit{default}"] == 1_048_576)
    #expect(all["backend_up{default,echo}"] == 1)
    #expect(all.keys.contains { $0.hasPrefix("build_info{") })
  }

  @Test func everyReasonIsThereFromTheStart() throws {
    let host = try RelayedHost(PairNetwork(), Self.option)
    let samples = try Scrape(in: host.host).samples
    for reason in ["truncated", "table_full", "late_reply", "draining", "unexpected_source"] {
      #expect(samples["dropped_datagrams_total{default,\(reason)}"] == 0)
    }
    for reason in ["idle", "evicted", "service_gone"] {
      #expect(samples["sessions_ended_total{default,\(reason)}"] == 0)
    }
    for direction in ["to_backend", "to_client"] {
      for errno in ["ECONNREFUSED", "EPERM", "ENOBUFS"] {
        #expect(samples["send_errors_total{default,\(direction),\(errno)}"] == 0)
      }
    }
  }

  @Test func whatIsDroppedIsCountedByItsReason() throws {
    var fault = FaultInjection.Fault(.receive, .cutData)
    (fault.localPort, fault.times) = (5678, 1)
    let scene = try BackendScene(
      .multiplexed, "--max-sessions 1 --idle-timeout 1h --metrics 127.0.0.1:9478", faults: FaultInjection([fault]))
    try scene.startService()
    let request = ServiceProgram.Request().bytes("hello")
    // The first one is cut, and no session begins.
    try scene.client().send(request)
    try Scrape.settle(in: scene.network.host, on: ["dropped_datagrams_total{default,truncated}": 1])
    #expect(try scene.client().ask(request) != nil)
    for port in [0, 0] { try scene.network.client.forge(request, from: .of("10.1.255.1:\(port)"), to: scene.asked) }
    for _ in 0..<3 { try scene.client().send(request) }
    try Scrape.settle(
      in: scene.network.host,
      on: [
        "dropped_datagrams_total{default,truncated}": 1, "dropped_datagrams_total{default,source_port_zero}": 2,
        "dropped_datagrams_total{default,table_full}": 3, "sessions{default}": 1,
        "sessions_created_total{default}": 1, "datagrams_total{default,10.1.0.1,to_backend}": 1,
        "datagrams_total{default,10.1.0.1,to_client}": 1,
        "bytes_total{default,10.1.0.1,to_backend}": Double(request.count),
        "bytes_total{default,10.1.0.1,to_client}": Double(request.count),
      ])
  }

  @Test func sessionsThatEndAreCountedByTheirReason() throws {
    let scene = try BackendScene(
      .multiplexed, "--idle-timeout 100ms --unreplied-timeout 200ms --metrics 127.0.0.1:9478")
    try scene.startService()
    #expect(try scene.client().ask(ServiceProgram.Request().bytes("hello")) != nil)
    for _ in 0..<2 { try scene.client().send(ServiceProgram.Request { $0.replies = 0 }.bytes("hello")) }
    try eventually("the ends of sessions") {
      let samples = try Scrape(in: scene.network.host).samples
      return samples["sessions_ended_total{default,idle}"] == 1
        && samples["sessions_ended_total{default,unreplied}"] == 2
        && samples["sessions{default}"] == 0 && samples["sessions_created_total{default}"] == 3
    }
  }

  @Test(arguments: Way.allCases) func aBackendThatIsGoneIsToldOf(way: Way) throws {
    let scene = try BackendScene(way, "--metrics 127.0.0.1:9478")
    let client = try scene.client()
    let request = ServiceProgram.Request().bytes("hello")
    let isUp = { try Scrape(in: scene.network.host).samples["backend_up{default,\(scene.backend)}"] }
    func waitUntil(_ value: Double, expectsAnswer: Bool) throws {
      try eventually("backend_up \(value)") {
        let reply = try client.ask(request, within: .milliseconds(100))
        return try (reply != nil) == expectsAnswer && isUp() == value
      }
    }
    try waitUntil(0, expectsAnswer: false)
    let errors = try Scrape(in: scene.network.host).samples["send_errors_total{default,to_backend,ECONNREFUSED}"] ?? 0
    #expect(way.isConnected ? errors > 0 : errors == 0)
    try scene.startService()
    try waitUntil(1, expectsAnswer: true)
    scene.service?.process.kill()
    try waitUntil(0, expectsAnswer: false)
  }

  /// It is not known to be out of reach.
  @Test(arguments: Way.local) func aSilentBackendIsUp(way: Way) throws {
    let scene = try BackendScene(way, "--metrics 127.0.0.1:9478")
    try scene.startService()
    let silence = ServiceProgram.Request { $0.replies = 0 }.bytes("hello")
    #expect(try scene.client().ask(silence, within: .milliseconds(50)) == nil)
    #expect(try Scrape(in: scene.network.host).samples["backend_up{default,\(scene.backend)}"] == 1)
  }

  @Test func listenersComeAndGoWithTheirAddresses() throws {
    let network = try PairNetwork()
    // No address that becomes usable only while the test goes on.
    try network.host.ip(["address flush dev eth0 scope link"])
    let host = try RelayedHost(network, Self.option)
    let listener = "listener_up{default,10.1.0.9,5678}"
    #expect(try Scrape(in: host.host).samples[listener] == nil)
    try host.host.add(["10.1.0.9/16"], to: "eth0")
    try eventually { try Scrape(in: host.host).samples[listener] == 1 }
    #expect(try host.open().ask("hello", of: host.endpoint("10.1.0.9")) != nil)
    let before = try #require(try Scrape(in: host.host).samples["address_changes_total"])
    try host.host.remove(["10.1.0.9/16"], from: "eth0")
    try eventually { try Scrape(in: host.host).samples[listener] == 0 }
    try eventually("the grace is over", within: .seconds(20)) { try Scrape(in: host.host).samples[listener] == nil }
    let samples = try Scrape(in: host.host).samples
    #expect(samples["address_changes_total"] == before + 1)
    #expect(samples["datagrams_total{default,10.1.0.9,to_client}"] == 1)
  }

  @Test func theProcessIsDescribed() throws {
    let host = try RelayedHost(PairNetwork(), Self.option)
    let samples = try Scrape(in: host.host).samples
    let resident = try Double(host.relay.process.residentBytes())
    #expect(abs(try #require(samples["process_resident_memory_bytes"]) - resident) < 4e6)
    // The connection that asks is open, too; the link-local address may come meanwhile.
    let open = try #require(samples["process_open_fds"])
    #expect(abs(open - Double(host.kernel.descriptors)) <= 3)
    #expect(try #require(samples["process_max_fds"]) >= open)
    #expect(try #require(samples["process_cpu_seconds_total"]) > 0)
    #expect(try #require(samples["process_virtual_memory_bytes"]) > resident)
    let start = try #require(samples["process_start_time_seconds"])
    #expect(abs(Double(time(nil)) - start) < 120)
  }
}
