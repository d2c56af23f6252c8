import Linux
import Support
import Testing

/// Which addresses the options choose, on a host with some of every kind.
@Suite(.serialized, .enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"))
struct AddressFilterTests {
  /// One host for all cases.
  private static let network = Result {
    let network = try TestNetwork(["host"])
    try network["host"].ip([
      "link add eth0 type bridge", "link add docker0 type bridge", "link add off0 type bridge",
      "address add 10.1.0.1/24 dev eth0", "address add 10.1.0.2/24 dev eth0 label eth0:1",
      "address add fd01::1/64 dev eth0 nodad", "address add fe80::1/64 dev eth0 nodad",
      "address add 172.17.0.1/16 dev docker0", "address add fd17::1/64 dev docker0 nodad",
      "address add 10.9.0.1/24 dev off0", "address add 192.0.2.1/32 dev lo",
    ])
    // No addresses beside these.
    for interface in ["eth0", "docker0"] {
      try network["host"].set("net/ipv6/conf/\(interface)/addr_gen_mode", to: "1")
    }
    try network["host"].ip(["link set eth0 up", "link set docker0 up"])
    return network
  }

  private static let eth0v4 = ["10.1.0.1", "10.1.0.2"]
  private static let eth0v6 = ["fd01::1", "fe80::1"]
  private static let docker0 = ["172.17.0.1", "fd17::1"]
  private static let anycast = ["192.0.2.1"]

  static let cases: [(arguments: [String], served: [String])] = [
    ([], eth0v4 + eth0v6 + docker0 + anycast),
    (["--interface", "eth*"], eth0v4 + eth0v6),
    (["--interface", "eth0", "--interface", "lo"], eth0v4 + eth0v6 + anycast),
    (["--interface", "!docker*"], eth0v4 + eth0v6 + anycast),
    (["--interface", "*", "--interface", "!eth?"], docker0 + anycast),
    (["--interface", "eth0:1"], ["10.1.0.2"]),
    (["--address", "10.0.0.0/8"], eth0v4),
    (["--address", "10.1.0.2", "--address", "fd00::/8"], ["10.1.0.2", "fd01::1", "fd17::1"]),
    (["--address", "!10.1.0.0/24", "--address", "!fe80::/10"], ["fd01::1"] + docker0 + anycast),
    (["--address", "fd00::/8", "--interface", "!docker0"], ["fd01::1"]),
    (["--ipv4-only"], eth0v4 + ["172.17.0.1"] + anycast),
    (["--ipv6-only"], eth0v6 + ["fd17::1"]),
    (["--loopback"], eth0v4 + eth0v6 + docker0 + anycast + ["127.0.0.1", "::1"]),
    (["--loopback", "--interface", "lo", "--ipv4-only"], anycast + ["127.0.0.1"]),
    (["--address", "198.51.100.0/24"], []),
  ]

  @Test(arguments: cases)
  func theOptionsChooseExactlyTheAddresses(arguments: [String], served: [String]) throws {
    let host = try Self.network.get()["host"]
    let relay = try MultihomedProcess.start(in: host, ["relay", "--listen", "5678", "--backend", "echo"] + arguments)
    let expected = served.compactMap { IPAddress($0) }.sorted(by: KernelView.isBefore)
    #expect(try KernelView(relay).addresses(at: 5678) == expected)
    let count = "\(served.count) \(served.count == 1 ? "address" : "addresses")"
    #expect(relay.ready.hasPrefix("ready: \(count), port 5678, "))
  }

  /// An address that was named is served whatever the filters would choose, and only its own port.
  @Test func aNamedAddressIsServedBesideAPort() throws {
    let host = try Self.network.get()["host"]
    let relay = try MultihomedProcess.start(
      in: host,
      [
        "relay", "--listen", "5678", "--listen", "10.1.0.1:5700", "--listen", "5680-5681", "--backend", "127.0.0.1:9",
        "--interface", "docker0",
      ])
    let kernel = KernelView(relay)
    let docker = Self.docker0.compactMap { IPAddress($0) }.sorted(by: KernelView.isBefore)
    for port: UInt16 in [5678, 5680, 5681] { #expect(try kernel.addresses(at: port) == docker) }
    #expect(try kernel.addresses(at: 5700).map(\.description) == ["10.1.0.1"])
    #expect(try kernel.addresses(at: 5679) == [])
  }

  /// The filter holds for what comes later, too.
  @Test func anInterfaceThatComesLaterIsFilteredLikeTheOthers() throws {
    let network = try PairNetwork()
    let host = try RelayedHost(network, ["--interface", "!veth*", "--address", "!10.5.0.0/16", "--ipv4-only"])
    try network.host.ip([
      "link add veth7 type bridge", "link add br0 type bridge", "link set veth7 up", "link set br0 up",
      "address add 10.4.0.1/16 dev veth7", "address add 10.5.0.1/16 dev br0", "address add 10.6.0.1/16 dev br0",
    ])
    try eventually("the last address is served") {
      try host.kernel.addresses(at: 5678).map(\.description) == ["10.1.0.1", "10.6.0.1"]
    }
  }
}
