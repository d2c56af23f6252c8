import Addresses
import Linux
import Service
import Testing

/// A service manager's sockets must be such as a relay would open.
@Suite struct ActivatedListenersTests {
  private func snapshot() throws -> Snapshot {
    let addresses = try ["10.0.0.1", "2001:db8::1", "127.0.0.1"].map { try #require(IPAddress($0)) }
    return Snapshot(
      addresses: addresses.map {
        InterfaceAddress(interface: $0.isLoopback ? "lo" : "eth0", address: $0, isLoopback: $0.isLoopback)
      }, interfaces: ["lo", "eth0"])
  }

  private func relay(_ name: String, _ listen: String, _ change: (inout RelayConfiguration) -> Void = { _ in }) throws
    -> RelayConfiguration
  {
    var relay = RelayConfiguration(
      listen: [try #require(ListenSpecification(listen))], backend: try #require(BackendSpecification("echo")))
    relay.name = name
    change(&relay)
    return relay
  }

  private func mayListen(_ relay: RelayConfiguration, _ endpoint: String) throws -> Bool {
    try relay.mayListen(on: #require(Endpoint(endpoint)), snapshot())
  }

  @Test func aPortFitsOnEveryAddressThatMayBeListenedOnNowOrLater() throws {
    let plain = try relay("a", "53")
    for fits in ["10.0.0.1:53", "[2001:db8::1]:53", "192.0.2.9:53"] { #expect(try mayListen(plain, fits)) }
    for other in ["10.0.0.1:54", "127.0.0.1:53", "127.0.0.7:53"] { #expect(try !mayListen(plain, other)) }
    let filtered = try relay("a", "53") {
      $0.filter = AddressFilter(
        interfaces: [InterfaceRule("wg*")].compactMap(\.self),
        addresses: [AddressRule("!192.0.2.0/24")].compactMap(\.self))
    }
    // Of the first the interface is known, of the second it is not.
    #expect(try !mayListen(filtered, "10.0.0.1:53"))
    #expect(try mayListen(filtered, "198.51.100.1:53"))
    #expect(try !mayListen(filtered, "192.0.2.9:53"))
  }

  @Test func anEndpointFitsItselfAlone() throws {
    let one = try relay("a", "127.0.0.1:53")
    #expect(try mayListen(one, "127.0.0.1:53"))
    #expect(try !mayListen(one, "10.0.0.1:53"))
  }

  /// A listener on a port of loopback, as the manager gives it.
  private func passed(_ name: String) throws -> (ManagerVariables.Passed, Endpoint) {
    let socket = try Socket.listener(on: Endpoint(.loopbackIPv4, 0), sharesPort: false)
    return (ManagerVariables.Passed(name: name, socket: socket), try socket.localEndpoint())
  }

  private func message(_ name: String, _ relays: (Endpoint) throws -> [RelayConfiguration]) throws -> String? {
    let (socket, endpoint) = try passed(name)
    let listeners = try ActivatedListeners([socket])
    let configuration = ProcessConfiguration(relays: try relays(endpoint))
    let snapshot = try snapshot()
    do throws(ConfigurationError) { try listeners.check(configuration, on: snapshot) } catch {
      return error.message.replacing("\(endpoint)", with: "HERE")
    }
    return nil
  }

  @Test func whatFitsNoRelayIsToldWithWhatWould() throws {
    #expect(
      try message("multihomed.socket") { _ in [try relay("a", "53")] }
        == "no relay listens on HERE, a socket that the service manager gave (multihomed.socket); what would fit: 10.0.0.1:53, "
        + "[2001:db8::1]:53; change ListenDatagram= in the .socket unit, or --listen")
  }

  @Test func aNameMustBeThatOfTheRelayWhichListensThere() throws {
    let relays = { (endpoint: Endpoint) in [try relay("a", "\(endpoint)"), try relay("b", "53")] }
    #expect(try message("a", relays) == nil)
    // Whatever else the unit calls it says nothing.
    #expect(try message("multihomed.socket", relays) == nil)
    #expect(
      try message("b", relays)
        == "the service manager gave HERE for relay 'b', but it is relay 'a' that listens there; change "
        + "FileDescriptorName= or ListenDatagram= in the .socket unit")
  }
}
