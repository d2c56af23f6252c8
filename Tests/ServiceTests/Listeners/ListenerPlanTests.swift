import Addresses
import Linux
import Relay
import Service
import Testing

@Suite struct ListenerPlanTests {
  private func snapshot(_ addresses: String...) throws -> Snapshot {
    Snapshot(
      addresses: try addresses.map {
        let address = try #require(IPAddress($0))
        return InterfaceAddress(
          interface: address.isLoopback ? "lo" : "eth0", address: address, isLoopback: address.isLoopback)
      }, interfaces: ["lo", "eth0"])
  }

  private func relay(_ listen: [String], backend: String = "echo") throws -> RelayConfiguration {
    RelayConfiguration(
      listen: try listen.map { try #require(ListenSpecification($0)) },
      backend: try #require(BackendSpecification(backend)))
  }

  /// The plan as text, without the relay's place.
  private func plan(_ relays: [RelayConfiguration], _ snapshot: Snapshot) -> [String] {
    ProcessConfiguration(relays: relays).listeners(on: snapshot).map(\.endpoint.description)
  }

  @Test func everyEligibleAddressHasAListenerForEveryPort() throws {
    let host = try snapshot("127.0.0.1", "10.0.0.1", "2001:db8::1")
    #expect(
      try plan([relay(["53-54"])], host) == [
        "10.0.0.1:53", "10.0.0.1:54", "[2001:db8::1]:53", "[2001:db8::1]:54",
      ])
  }

  @Test func whatTwoSpecificationsAskForIsListenedOnOnce() throws {
    let host = try snapshot("10.0.0.1")
    #expect(
      try plan([relay(["53-54", "54-55", "10.0.0.1:53"])], host) == ["10.0.0.1:53", "10.0.0.1:54", "10.0.0.1:55"])
  }

  @Test func anAddressOnTwoInterfacesIsListenedOnOnce() throws {
    let address = IPAddress(v4: 0x0a00_0001)
    let host = Snapshot(
      addresses: ["eth0", "eth1"].map { InterfaceAddress(interface: $0, address: address) },
      interfaces: ["eth0", "eth1"])
    #expect(try plan([relay(["53"])], host) == ["10.0.0.1:53"])
  }

  @Test func aNamedAddressIsServedOnlyWhileTheHostHasIt() throws {
    let relay = try relay(["192.0.2.1:53"])
    #expect(plan([relay], try snapshot("10.0.0.1")).isEmpty)
    #expect(plan([relay], try snapshot("10.0.0.1", "192.0.2.1")) == ["192.0.2.1:53"])
  }

  @Test func aNamedLoopbackAddressIsAlwaysThere() throws {
    #expect(plan([try relay(["127.0.0.9:53"])], try snapshot("127.0.0.1")) == ["127.0.0.9:53"])
  }

  @Test func relaysKeepTheirOrderAndTheirPlace() throws {
    let relays = [try relay(["54"]), try relay(["53"])]
    let keys = ProcessConfiguration(relays: relays).listeners(on: try snapshot("10.0.0.1"))
    #expect(keys.map(\.relay) == [RelayID(0), RelayID(1)])
    #expect(keys.map(\.endpoint.port) == [54, 53])
  }

  @Test func anAddressThatIsTheBackendIsLeftAlone() throws {
    let host = try snapshot("10.0.0.1", "10.0.0.2")
    #expect(try plan([relay(["53"], backend: "10.0.0.1:53")], host) == ["10.0.0.2:53"])
    #expect(try plan([relay(["53"], backend: "10.0.0.1:54")], host) == ["10.0.0.1:53", "10.0.0.2:53"])
    #expect(try plan([relay(["52-53"], backend: "10.0.0.1:53-54")], host).contains("10.0.0.1:52"))
  }

  @Test func aHostOfFourThousandAddressesHasAsManyListeners() throws {
    let addresses = (0..<4_000 as Range<UInt32>).map {
      InterfaceAddress(interface: "eth0", address: IPAddress(v4: 0x0a00_0000 + $0))
    }
    let keys = ProcessConfiguration(relays: [try relay(["53"])])
      .listeners(on: Snapshot(addresses: addresses, interfaces: ["eth0"]))
    #expect(Set(keys).count == 4_000)
  }

  @Test(
    arguments: [
      (["53"], 15_353...15_353, 53, 15_353), (["53", "99"], 15_353...15_353, 99, 15_353),
      (["5000-5010"], 6_000...6_010, 5_000, 6_000), (["5000-5010"], 6_000...6_010, 5_010, 6_010),
      (["5000-5010"], 7_000...7_000, 5_005, 7_000),
    ] as [([String], ClosedRange<UInt16>, UInt16, UInt16)])
  func aPortOfARangeIsForwardedToTheSamePlaceOfTheBackends(
    listen: [String], ports: ClosedRange<UInt16>, port: UInt16, backend: UInt16
  ) throws {
    #expect(try relay(listen).backendPort(for: port, among: ports) == backend)
  }
}
