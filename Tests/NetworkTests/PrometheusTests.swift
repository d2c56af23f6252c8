import Linux
import Support
import Testing

/// What Prometheus itself makes of our metrics.
@Suite(
  .enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"),
  .enabled(if: Prometheus.obstacle == nil, "\(Prometheus.obstacle ?? "")"), .serialized)
struct PrometheusTests {
  @Test func promtoolFindsNothingWrong() throws {
    let host = try RelayedHost(PairNetwork(), ["--metrics", "127.0.0.1:9478", "--upstream", "connected"])
    #expect(try host.open().ask("hello", of: host.endpoint("10.1.0.1")) != nil)
    #expect(try Prometheus.complaints(about: Scrape(in: host.host).text) == "")
    #expect(try Prometheus.complaints(about: "9nonsense{\n") != "")
  }

  @Test func prometheusScrapesWhatIsCounted() throws {
    let host = try RelayedHost(PairNetwork(), ["--metrics", "127.0.0.1:9478"])
    let prometheus = try Prometheus(
      scraping: "127.0.0.1:9478", in: host.host, at: Endpoint(.loopbackIPv4, 9090))
    try eventually("a scrape", within: .seconds(30)) { try prometheus.query("up") == ["": "1"] }
    let client = try host.open()
    for _ in 0..<42 { #expect(try client.ask("hello", of: host.endpoint("10.1.0.1")) != nil) }
    try eventually("the datagrams", within: .seconds(30)) {
      try prometheus.query("multihomed_datagrams_total{address='10.1.0.1'} > 0") == [
        "address=10.1.0.1,direction=to_backend,relay=default": "42",
        "address=10.1.0.1,direction=to_client,relay=default": "42",
      ]
    }
    // From 0 on, so that the first ones are an increase, too.
    let increase = try prometheus.query("sum(increase(multihomed_sessions_created_total[5m])) > bool 0")
    #expect(increase == ["": "1"])
    #expect(try prometheus.query("sum by (relay) (multihomed_listener_up)").keys.contains("relay=default"))
    #expect(try prometheus.query("count(multihomed_dropped_datagrams_total == 0)").count == 1)
    #expect(try prometheus.query("scrape_samples_scraped > 50").count == 1)
  }
}
