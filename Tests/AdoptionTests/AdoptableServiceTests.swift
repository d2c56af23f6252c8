import Adoption
import Linux
import Testing

/// Which of the things that hold a port may be adopted, and what is said about the others.
struct AdoptableServiceTests {
  private let nc = SocketHolder(id: 4711, name: "nc", descriptor: 3)

  /// A socket as the kernel lists it, and what the broker says of it.
  private struct Held {
    var entry: UDPSocketEntry
    var view: SocketFacts.View?

    init(
      _ local: String, peer: String? = nil, v6Only: Bool = false, interface: UInt32 = 0, user: UInt32 = 1000,
      inode: UInt64 = 1, _ holder: SocketHolder, shares: Bool = false, reuses: Bool = false
    ) throws {
      let endpoint = try #require(Endpoint(local))
      entry = UDPSocketEntry(
        local: endpoint, peer: peer.flatMap { Endpoint($0) }, isIPv6: !endpoint.address.isIPv4, isIPv6Only: v6Only,
        interface: interface, user: user, inode: inode)
      view = .open(holder, sharesPort: shares, reusesAddress: reuses)
    }
  }

  private func judge(_ held: [Held], _ families: Families = Families()) throws(Refusal) -> AdoptableService {
    let facts = held.compactMap { each in each.view.map { SocketFacts(inode: each.entry.inode, view: $0) } }
    return try AdoptableService(port: 5678, entries: held.map(\.entry), facts: facts, families: families)
  }

  @Test func anIPv4WildcardIsReachedOn127001() throws {
    let service = try judge([Held("0.0.0.0:5678", nc)])
    #expect(service.backend == Endpoint("127.0.0.1:5678"))
    #expect(service.takesIPv4 && !service.takesIPv6 && !service.sharesPort && service.user == 1000)
  }

  @Test func aDualStackWildcardTakesBothFamiliesAndIsReachedOn127001() throws {
    let service = try judge([Held("[::]:5678", nc)])
    #expect(service.backend == Endpoint("127.0.0.1:5678"))
    #expect(service.takesIPv4 && service.takesIPv6)
  }

  @Test func anIPv6OnlyWildcardIsReachedOnItsOwnLoopback() throws {
    let service = try judge([Held("[::]:5678", v6Only: true, nc)])
    #expect(service.backend == Endpoint("[::1]:5678"))
    #expect(!service.takesIPv4 && service.takesIPv6)
  }

  @Test func aSocketForEachFamilyAndForEachThreadIsOneService() throws {
    let service = try judge([
      Held("0.0.0.0:5678", inode: 1, nc, shares: true), Held("0.0.0.0:5678", inode: 2, nc, shares: true),
      Held("[::]:5678", v6Only: true, inode: 3, nc, shares: true),
    ])
    #expect(service.sockets.count == 3 && service.sharesPort)
    #expect(service.takesIPv4 && service.takesIPv6)
  }

  @Test func whatIsBoundToItsAddressesHasNothingToMend() throws {
    let held = try [Held("192.0.2.1:5678", nc), Held("[2001:db8::1]:5678", inode: 2, nc)]
    #expect(throws: Refusal.boundToAddresses(5678, held.map(\.entry.local))) { try judge(held) }
  }

  @Test func whatIsBoundToLoopbackAloneIsToldOfTheRelay() throws {
    let four = try #require(Endpoint("127.0.0.1:5678"))
    let six = try #require(Endpoint("[::1]:5678"))
    #expect(
      Refusal.boundToAddresses(5678, [six]).message
        == "no service holds port 5678 by the wildcard address: it is bound to [::1]:5678, where no other host can ask it; "
        + "to let them, put a relay in front of it: multihomed relay --listen 5678 --backend [::1]:5678")
    #expect(Refusal.boundToAddresses(5678, [four, six]).message.hasSuffix("--listen 5678 --backend 127.0.0.1:5678"))
    let other = try #require(Endpoint("192.0.2.1:5678"))
    #expect(Refusal.boundToAddresses(5678, [four, other]).message.hasSuffix("; there is nothing to mend"))
  }

  @Test func aServiceThatIsConnectedToItsOnlyClientIsRefused() throws {
    let held = try [Held("192.0.2.1:5678", peer: "192.0.2.9:1", nc)]
    #expect(throws: Refusal.connected(5678)) { try judge(held) }
  }

  @Test func nobodyIsSaidWhereNobodyIs() {
    #expect(throws: Refusal.nobodyListens(5678)) { try judge([]) }
  }

  @Test func theOtherFamilyDoesNotCount() throws {
    let held = try [Held("0.0.0.0:5678", nc)]
    #expect(throws: Refusal.otherFamily(5678)) { try judge(held, Families(ipv4: false)) }
    let both = try [Held("0.0.0.0:5678", nc), Held("[::]:5678", v6Only: true, user: 7, inode: 2, nc)]
    #expect(try judge(both, Families(ipv6: false)).takesIPv6 == false)
    #expect(throws: Refusal.severalUsers(5678, [nc, nc])) { try judge(both) }
  }

  @Test func twoSocketsOfWhichTheNewestGetsEverythingAreRefused() throws {
    let other = SocketHolder(id: 9, name: "other", descriptor: 3)
    let held = try [
      Held("0.0.0.0:5678", inode: 1, nc, reuses: true), Held("0.0.0.0:5678", inode: 2, other, reuses: true),
    ]
    #expect(throws: Refusal.rivals(5678, [nc, other])) { try judge(held) }
  }

  @Test func oneProcessWithOverlappingSocketsIsOneService() throws {
    // As kamailio has them.
    let held = try [
      Held("0.0.0.0:5678", inode: 1, nc, reuses: true), Held("[::]:5678", inode: 2, nc, reuses: true),
    ]
    #expect(try judge(held).sockets.count == 2)
  }

  @Test func whoeverHoldsTheBackendsAddressMustBeTheServiceItself() throws {
    let other = SocketHolder(id: 9, name: "other", descriptor: 3)
    let wildcard = try Held("0.0.0.0:5678", nc)
    #expect(throws: Never.self) { try judge([wildcard, Held("127.0.0.1:5678", inode: 2, nc)]) }
    #expect(throws: Never.self) { try judge([wildcard, Held("127.0.0.53:5678", user: 7, inode: 2, other)]) }
    let endpoint = try #require(Endpoint("127.0.0.1:5678"))
    #expect(throws: Refusal.backendTaken(endpoint, other, user: 1000)) {
      try judge([wildcard, Held("127.0.0.1:5678", inode: 2, other)])
    }
  }

  @Test func aServiceWithASocketForEachClientIsRefused() throws {
    let held = try [
      Held("0.0.0.0:5678", inode: 1, nc, reuses: true),
      Held("192.0.2.1:5678", peer: "192.0.2.9:1", inode: 2, nc, reuses: true),
    ]
    #expect(throws: Refusal.socketForEachClient(5678, nc)) { try judge(held) }
    let socat = SocketHolder(id: 1, name: "socat", descriptor: 5)
    #expect(throws: Refusal.socketForEachClient(5678, socat)) { try judge([Held("0.0.0.0:5678", socat, reuses: true)]) }
    #expect(throws: Never.self) { try judge([Held("0.0.0.0:5678", socat)]) }
  }

  @Test func whatCannotBeReachedOrSharedIsRefused() throws {
    #expect(throws: Refusal.kernelSocket(5678)) { try judge([Held("0.0.0.0:5678", inode: 0, nc)]) }
    #expect(throws: Refusal.boundToInterface(5678, nc, 7)) { try judge([Held("0.0.0.0:5678", interface: 7, nc)]) }
    let ourselves = SocketHolder(id: 1, name: "multihomed", descriptor: 5)
    #expect(throws: Refusal.multihomed(5678, ourselves)) { try judge([Held("0.0.0.0:5678", ourselves)]) }
    var held = try Held("0.0.0.0:5678", nc)
    held.view = .hidden
    #expect(throws: Refusal.hidden(5678, user: 1000)) { try judge([held]) }
    held.view = .closed(nc)
    #expect(throws: Refusal.notOurs(5678, nc, user: 1000)) { try judge([held]) }
    held.view = nil
    #expect(throws: Refusal.hidden(5678, user: 1000)) { try judge([held]) }
  }

  @Test func aServiceIsThereAsLongAsItHasASocketOfEachFamily() throws {
    let held = try [
      Held("0.0.0.0:5678", inode: 1, nc, shares: true), Held("0.0.0.0:5678", inode: 2, nc, shares: true),
      Held("[::]:5678", v6Only: true, inode: 3, nc, shares: true),
    ]
    let service = try judge(held)
    #expect(service.isThere(in: held.map(\.entry)))
    #expect(service.isThere(in: held.dropFirst().map(\.entry)))
    #expect(!service.isThere(in: held.dropLast().map(\.entry)))
    // nc connects its socket to the first who asks.
    let connected = try [Held("127.0.0.1:5678", peer: "127.64.0.1:9", inode: 1, nc)]
    #expect(try judge([Held("0.0.0.0:5678", inode: 1, nc)]).isThere(in: connected.map(\.entry)))
  }

  @Test func anotherUsersServiceDoesNotTakeItsPlace() throws {
    let service = try judge([Held("0.0.0.0:5678", nc)])
    #expect(try service.difference(to: judge([Held("0.0.0.0:5678", inode: 9, nc)])) == nil)
    #expect(try service.difference(to: judge([Held("0.0.0.0:5678", user: 7, nc)])) != nil)
    #expect(try service.difference(to: judge([Held("[::]:5678", nc)])) != nil)
  }
}
