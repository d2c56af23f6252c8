import Linux
import Support
import Testing

/// What is counted by address is no larger for addresses that have gone.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct ForgottenAddressTests {
  @Test func addressesThatComeAndGoLeaveNothingBehindButWhatTheyHaveRelayed() throws {
    let network = try PairNetwork(host: ["10.1.0.1/16"])
    for end in [network.host, network.client] { try end.ip(["address flush dev eth0 scope link"]) }
    let host = try RelayedHost(network, ["--metrics", "127.0.0.1:9478"])
    let client = try host.open()
    #expect(try client.ask("hello", of: host.endpoint("10.1.0.1")) != nil)
    let before = try sizes(of: host)
    let passing = (1...300).map { "10.1.\(8 + $0 / 250).\($0 % 250 + 1)/16" }
    try network.host.add(passing + ["10.1.7.7/16"], to: "eth0")
    try host.waitUntilExactlyTheEligibleAreServed(within: .seconds(30))
    for _ in 1...5 { #expect(try client.ask("hello", of: host.endpoint("10.1.7.7")) != nil) }
    #expect(try sizes(of: host).page > before.page + 600)
    try network.host.remove(passing + ["10.1.7.7/16"], from: "eth0")
    // After the grace.
    try eventually("they are forgotten", within: .seconds(60)) {
      try sizes(of: host) == (before.page + Self.seriesOfAnAddress, before.listeners + 1)
    }
    try network.host.add(["10.1.7.7/16"], to: "eth0")
    try host.waitForAnswer(from: "10.1.7.7")
    let counted = try Scrape(in: host.host).counted
    #expect(counted["datagrams_total{default,10.1.7.7,to_client}"] ?? 0 >= 6)
  }

  /// Datagrams and bytes in both directions, and what the queue lost.
  private static let seriesOfAnAddress = 5

  /// How many series the page of metrics has, and how many listeners the line of counters.
  private func sizes(of host: RelayedHost) throws -> (page: Int, listeners: Int) {
    (try Scrape(in: host.host).samples.count, try host.counters()["listeners"]?.array?.count ?? 0)
  }
}
