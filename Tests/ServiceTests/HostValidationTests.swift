import Addresses
import Linux
import Service
import Testing

@Suite struct HostValidationTests {
  /// A host with lo, and eth0 with one address of each family.
  private let snapshot = Snapshot(
    addresses: [
      InterfaceAddress(interface: "lo", address: .loopbackIPv4, isLoopback: true),
      InterfaceAddress(interface: "eth0", address: IPAddress(v4: 0xc000_0201)),
      InterfaceAddress(interface: "lo", address: .loopbackIPv6, isLoopback: true),
      InterfaceAddress(interface: "eth0", address: IPAddress(v6: 0x2001_0db8_0000_0000, 1)),
    ], interfaces: ["lo", "eth0", "wg0"])

  @Test(arguments: [
    "--listen 53 --backend 127.0.0.1:53",
    "--listen 53 --backend 127.0.0.2:53 --loopback",
    "--listen 53 --backend 192.0.2.1:54",
    "--listen 53 --backend 192.0.2.1:53 --address !192.0.2.1",
    "--listen 53 --backend 192.0.2.1:53 --interface lo",
    "--listen 198.51.100.1:53 --backend 192.0.2.1:53",
    "--listen 53 --backend echo --interface wg* --interface !nope*",
  ])
  func whatFitsTheHostIsTaken(_ words: String) throws {
    try validate(try ProcessConfiguration(try settings(words)), against: snapshot)
  }

  @Test(arguments: [
    (
      "--listen 53 --backend echo --interface eth* --interface et",
      "--interface 'et' matches no interface of this host; it has lo, eth0, wg0"
    ),
    (
      "--listen 53 --backend 192.0.2.1:53",
      "--backend 192.0.2.1:53 is what this relay itself listens on; move the service to 127.0.0.1 and give --backend "
        + "127.0.0.1:53, or leave the address out with --address '!192.0.2.1'"
    ),
    (
      "--listen 50-60 --backend [2001:db8::1]:55",
      "--backend [2001:db8::1]:55 is what this relay itself listens on; move the service to [::1] and give --backend "
        + "[::1]:55, or leave the address out with --address '!2001:db8::1'"
    ),
    (
      "--listen 53 --backend 127.0.0.1:53 --loopback",
      "--backend 127.0.0.1:53 is what this relay itself listens on because of --loopback; leave --loopback out, or move "
        + "the service to another port"
    ),
    (
      "--listen 53 --backend 127.0.0.1:53 --source-pool 192.0.2.0/24",
      "--source-pool 192.0.2.0/24 holds 192.0.2.1, an address of eth0; give a block that nobody uses, as in 127.64.0.0/10"
    ),
  ])
  func whatConflictsWithTheHostIsRefused(_ words: String, _ expected: String) throws {
    let configuration = try ProcessConfiguration(try settings(words))
    let error = #expect(throws: ConfigurationError.self) { try validate(configuration, against: snapshot) }
    #expect(error?.message == expected)
    #expect(error?.exitCode == 78)
  }

  @Test func anAddressNamedOutrightIsServedWhateverTheFilterSays() throws {
    let filter = AddressFilter(interfaces: [try #require(InterfaceRule("wg0"))])
    let served = try ["192.0.2.1:53", "127.0.0.9:53", "198.51.100.1:53", "53"].map { text in
      try #require(ListenSpecification(text)).addresses(in: snapshot, filter).map(\.description)
    }
    #expect(served == [["192.0.2.1"], ["127.0.0.9"], [], []])
  }

  @Test func aPortInUseNamesTheWaysOut() throws {
    let endpoint = try #require(Endpoint("192.0.2.1:53"))
    let error = ConfigurationError.portInUse(endpoint, holder: nil)
    #expect(
      error.message
        == "192.0.2.1:53 is in use by another process; bind that service to 127.0.0.1:53 alone, or move it to another port, "
        + "and give that to --backend; or leave it as it is and give `multihomed adopt 53` or `multihomed kernel apply 53` "
        + "instead")
    #expect(error.exitCode == 78)
  }

  @Test func aPortWithoutRightsSaysHowToGetThem() throws {
    let error = ConfigurationError.noRightToBind(try #require(Endpoint("[::1]:53")))
    #expect(
      error.message
        == "no right to listen on [::1]:53, a port below net.ipv4.ip_unprivileged_port_start; run as root, or give the "
        + "right with: \(Capability.setcap([.bindService]))")
    #expect(error.exitCode == 78)
  }
}
