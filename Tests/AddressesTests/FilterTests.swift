import Addresses
import Linux
import Testing

/// A filter as one would write it on the command line.
struct FilterCase: Sendable, CustomTestStringConvertible {
  let interfaces: [String]
  let addresses: [String]
  let families: AddressFamilies
  let loopback: Bool
  let eligible: [String]

  init(
    _ interfaces: [String] = [], addresses: [String] = [], families: AddressFamilies = .both, loopback: Bool = false,
    eligible: [String]
  ) {
    self.interfaces = interfaces
    self.addresses = addresses
    self.families = families
    self.loopback = loopback
    self.eligible = eligible
  }

  var filter: AddressFilter {
    get throws {
      AddressFilter(
        interfaces: try interfaces.map { try #require(InterfaceRule($0)) },
        addresses: try addresses.map { try #require(AddressRule($0)) }, families: families, includesLoopback: loopback)
    }
  }

  var testDescription: String { "\(interfaces) \(addresses) \(families) \(loopback ? "loopback" : "")" }
}

/// A host with loopback and an anycast address on lo, two uplinks, a labelled address, a bridge, and a link that is down.
func host() throws -> Snapshot {
  func on(_ interface: String, _ address: String, isUp: Bool = true) throws -> InterfaceAddress {
    InterfaceAddress(
      interface: interface, address: try #require(IPAddress(address)), isUp: isUp, isLoopback: interface == "lo")
  }
  let linkLocal = IPAddress(v6: 0xfe80_0000_0000_0000, 1).scoped(2)
  return Snapshot(
    addresses: [
      try on("lo", "127.0.0.1"), try on("lo", "192.0.2.1"), try on("eth0", "10.0.0.1"), try on("eth0:1", "10.0.0.9"),
      try on("eth1", "10.1.0.1"), try on("docker0", "172.17.0.1"), try on("eth2", "10.2.0.1", isUp: false),
      try on("lo", "::1"), try on("eth0", "2001:db8::1"), InterfaceAddress(interface: "eth0", address: linkLocal),
      try on("eth1", "2001:db8::1"),
    ], interfaces: ["lo", "eth0", "eth0:1", "eth1", "eth2", "docker0", "wg0"])
}

let everyIPv4 = ["192.0.2.1", "10.0.0.1", "10.0.0.9", "10.1.0.1", "172.17.0.1"]
let everyIPv6 = ["2001:db8::1", "fe80::1%2"]

@Suite struct FilterTests {
  @Test(arguments: [
    FilterCase(eligible: everyIPv4 + everyIPv6),
    FilterCase(loopback: true, eligible: ["127.0.0.1"] + everyIPv4 + ["::1"] + everyIPv6),
    FilterCase(families: .ipv4, eligible: everyIPv4),
    FilterCase(families: .ipv6, eligible: everyIPv6),
    FilterCase(families: .ipv6, loopback: true, eligible: ["::1"] + everyIPv6),
    FilterCase(["eth0"], families: .ipv4, eligible: ["10.0.0.1", "10.0.0.9"]),
    FilterCase(["eth0:1"], eligible: ["10.0.0.9"]),
    FilterCase(["eth?"], families: .ipv4, eligible: ["10.0.0.1", "10.0.0.9", "10.1.0.1"]),
    FilterCase(["eth[1-9]"], families: .ipv4, eligible: ["10.1.0.1"]),
    FilterCase(["eth"], eligible: []),
    FilterCase(["!eth*"], eligible: ["192.0.2.1", "172.17.0.1"]),
    FilterCase(["*", "!docker*", "!lo"], families: .ipv4, eligible: ["10.0.0.1", "10.0.0.9", "10.1.0.1"]),
    FilterCase(["!eth0", "eth*"], families: .ipv4, eligible: ["10.1.0.1"]),
    FilterCase(["eth2"], eligible: []),
    FilterCase(addresses: ["10.0.0.0/8"], eligible: ["10.0.0.1", "10.0.0.9", "10.1.0.1"]),
    FilterCase(addresses: ["10.0.0.0/8", "!10.0.0.0/24"], eligible: ["10.1.0.1"]),
    FilterCase(addresses: ["!::/0", "!10.0.0.0/8"], eligible: ["192.0.2.1", "172.17.0.1"]),
    FilterCase(addresses: ["192.0.2.1"], eligible: ["192.0.2.1"]),
    FilterCase(addresses: ["::/0"], eligible: everyIPv6),
    FilterCase(addresses: ["127.0.0.1"], eligible: []),
    FilterCase(["eth1"], addresses: ["10.0.0.0/8"], eligible: ["10.1.0.1"]),
    FilterCase(["!docker0"], addresses: ["172.16.0.0/12"], eligible: []),
  ])
  func theEligibleAddressesAreThose(_ row: FilterCase) throws {
    let eligible = try row.filter.eligibleAddresses(in: try host())
    #expect(eligible.map { $0.isLinkLocalIPv6 ? "\($0.scoped(0))%\($0.scope)" : "\($0)" } == row.eligible)
  }

  @Test(arguments: ["0.0.0.0", "::", "224.0.0.1", "ff02::1"])
  func whatIsNoAddressOfOneHostIsNeverEligible(_ text: String) throws {
    let address = try #require(IPAddress(text))
    let filter = AddressFilter(includesLoopback: true)
    #expect(!filter.isEligible(InterfaceAddress(interface: "eth0", address: address)))
  }

  @Test(arguments: [
    (["eth*", "wg0", "lo"], []), (["nope", "eth0"], ["nope"]), (["!nope"], []), (["et", "*x"], ["et", "*x"]),
  ])
  func onlyIncludingRulesCanMatchNothing(_ rules: [String], _ matchingNothing: [String]) throws {
    let filter = AddressFilter(interfaces: try rules.map { try #require(InterfaceRule($0)) })
    #expect(filter.rulesMatchingNoInterface(in: try host()).map(\.description) == matchingNothing)
  }

  @Test(arguments: ["", "!", "a b", "a/b", "!a b"])
  func whatNoInterfaceCanBeCalledIsNoPattern(_ text: String) {
    #expect(InterfaceRule(text) == nil)
  }

  @Test(arguments: [
    ("10.0.0.0/8", "10.0.0.0/8"), ("!10.0.0.1", "!10.0.0.1/32"), ("::1", "::1/128"), ("10.0.0.1/8", nil), ("!", nil),
    ("", nil), ("eth0", nil), ("!!10.0.0.1", nil), ("10.0.0.0/33", nil), ("10.0.0.0/-1", nil),
  ])
  func addressRulesAreReadStrictly(_ text: String, _ expected: String?) {
    #expect(AddressRule(text)?.description == expected)
  }
}
