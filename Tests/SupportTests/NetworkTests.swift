import Glibc
import Linux
import Support
import Testing

@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"))
struct TestNetworkTests {
  private func namespaces() throws -> String { try ManagedProcess.run("ip", ["netns", "list"]) }

  @Test func namespacesGoWithTheirNetwork() throws {
    var network: TestNetwork? = try TestNetwork(["one", "two"])
    let name = try #require(network?.name(of: "one"))
    #expect(try namespaces().contains(name))
    network = nil
    #expect(try !namespaces().contains(name))
  }

  @Test func aThousandAddressesComeAndGo() throws {
    let network = try PairNetwork()
    let before = Set(try network.host.addresses())
    let added = (1...1000).flatMap { number in
      ["10.2.\(number / 250).\(number % 250 + 1)/16", "fd02::\(String(number, radix: 16))/64"]
    }
    try network.host.add(added, to: "eth0")
    #expect(try network.host.addresses().count == before.count + 2000)
    #expect(try network.host.canBind(#require(IPAddress("fd02::3e8"))))
    try network.host.remove(added, from: "eth0")
    // The link-local address may have come meanwhile.
    #expect(Set(try network.host.addresses()).symmetricDifference(before).allSatisfy(\.address.isLinkLocalIPv6))
  }

  @Test func anAddressInDuplicateAddressDetectionCannotBeBoundYet() throws {
    let network = try PairNetwork()
    let address = try #require(IPAddress("fd03::1"))
    try network.host.add(["fd03::1/64"], to: "eth0", awaitsDuplicates: true)
    #expect(try !network.host.canBind(address))
    try eventually("the end of duplicate address detection") { try network.host.canBind(address) }
  }

  @Test func aLinkLocalAddressIsAskedWithItsScope() throws {
    let network = try PairNetwork()
    let host = try network.host.linkLocal(of: "eth0")
    let client = try network.client.linkLocal(of: "eth0")
    let service = try TestService(on: Endpoint(host, 0), in: network.host)
    let peer = Endpoint(host.scoped(client.scope), service.endpoint.port)
    let reply = try UDPClient(in: network.client, from: Endpoint(client, 0)).ask("hello", of: peer)
    #expect(reply?.from == peer)
    #expect(service.tally.clients.first?.address == client.scoped(host.scope))
  }

  @Test func whatRunsInANamespaceDoesNotMoveItsCaller() throws {
    let network = try PairNetwork()
    let inside = try network.host.addresses()
    #expect(inside.contains { $0.address == IPAddress("10.1.0.1") })
    #expect(try !InterfaceTable.read().addresses.contains { $0.address == IPAddress("10.1.0.1") })
    let body = { @Sendable () throws(Errno) -> Int in throw .accessDenied }
    #expect(throws: Errno.notFound) { _ = try NetworkNamespace.named("mh-no-such").run(body) }
    #expect(throws: Errno.accessDenied) { _ = try network.host.run(body) }
  }

  @Test func aSandboxHasLoopbackAndAnEmptyRunOfItsOwn() throws {
    // As root no user namespace is needed, so one thread may enter alone and leave the others outside.
    let seen = Monitor<(addresses: [InterfaceAddress], failure: Sandbox.Failure?, run: Int)?>(nil)
    try Thread(named: "sandbox") {
      do throws(Sandbox.Failure) {
        try Sandbox.enter()
        let addresses = (try? InterfaceTable.read().addresses) ?? []
        // Two entries, . and .., make up the link count of an empty folder.
        var status = stat()
        unsafe stat("/run", &status)
        let links = Int(status.st_nlink)
        seen.with { $0 = (addresses, nil, links) }
      } catch {
        seen.with { $0 = ([], error, 0) }
      }
    }.join()
    let result = try #require(seen.with { $0 })
    #expect(result.failure == nil)
    #expect(result.run == 2)
    #expect(Set(result.addresses.map(\.address)) == [.loopbackIPv4, .loopbackIPv6])
    #expect(result.addresses.allSatisfy { $0.isUp })
  }

  @Test func aProgramStartsInItsNamespace() throws {
    let network = try PairNetwork()
    let output = try ManagedProcess.run("ip", ["-brief", "address"], in: network.host)
    #expect(output.contains("10.1.0.1/16"))
  }

  @Test func aCaptureTellsWhichWayAPacketWent() throws {
    let network = try PairNetwork()
    let service = try TestService(on: Endpoint(.anyIPv4, 0), in: network.host)
    let wire = try PacketCapture(interface: "eth0", in: network.client)
    let before = try #require(wallClock())
    let client = try UDPClient(in: network.client, to: Endpoint("10.1.0.1:\(service.endpoint.port)"))
    #expect(try client.ask("hello")?.bytes.count == 5)
    var datagrams: [CapturedPacket] = []
    try eventually("two datagrams") {
      // The interface is young: IPv6 still makes itself known on it.
      datagrams += try wire.drain().filter { $0.packet.udp != nil }
      return datagrams.count >= 2
    }
    let (first, second) = (datagrams.first, datagrams.last)
    let port = try client.localEndpoint().port
    #expect(first?.direction == .outgoing)
    #expect(first?.description == "IP 10.1.255.1.\(port) > 10.1.0.1.\(service.endpoint.port): UDP, length 5")
    #expect(second?.direction == .incoming)
    #expect(second?.description == "IP 10.1.0.1.\(service.endpoint.port) > 10.1.255.1.\(port): UDP, length 5")
    #expect(try #require(first?.time) >= before)
    #expect(throws: Errno(ENODEV)) { try PacketCapture(interface: "nosuch", in: network.client) }
  }

  /// Nanoseconds since 1970.
  private func wallClock() -> UInt64? {
    var time = timespec()
    guard unsafe clock_gettime(CLOCK_REALTIME, &time) == 0 else { return nil }
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
