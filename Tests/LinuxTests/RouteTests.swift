import Glibc
import Linux
import Testing

/// What the kernel tells of its routes.
struct RouteTests {
  @Test(arguments: ["127.0.0.1", "127.5.6.7", "::1"])
  func theSourceIsTheOneThatAConnectedSocketHas(destination: String) throws {
    let address = try #require(IPAddress(destination))
    let socket = try Socket(udpFor: address)
    try socket.connect(to: Endpoint(address, 9))
    #expect(try RouteQuestion(to: address, user: geteuid()).source() == socket.localEndpoint().address)
  }

  @Test func nothingIsSentToNobody() throws {
    #expect(try RouteQuestion(to: .anyIPv4, interface: 1 << 20).source() == nil)
  }

  @Test func loopbackIsALocalRoute() throws {
    let block = try #require(CIDR("127.0.0.0/8"))
    let route = try #require(try RouteTable.read().first { $0.destination == block })
    #expect(route.kind == .local && route.interface == 1 && route.gateway == nil)
  }

  @Test(arguments: [
    ("192.0.2.0/24", "192.0.2.255"), ("0.0.0.0/0", "255.255.255.255"), ("192.0.2.1/32", "192.0.2.1"),
    ("2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), ("2001:db8::1/128", "2001:db8::1"),
    ("2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff"), ("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
  ])
  func theLastAddressOfABlockHasAllOtherBitsSet(block: String, last: String) throws {
    #expect(try #require(CIDR(block)).last == IPAddress(last))
  }

  @Test(arguments: [
    ("fe800000000000000000000000000001 02 40 20 c0     eth0", true),
    ("fe800000000000000000000000000001 02 40 20 88     eth0", true),
    ("fe800000000000000000000000000001 02 40 20 80     eth0", false), ("", false), ("x 02 40 20 c0 eth0", false),
  ])
  func anAddressInDuplicateDetectionIsUnusable(line: String, isUnusable: Bool) {
    let address = IPv6Readiness.address(Substring(line))
    #expect(address == (isUnusable ? IPAddress(v6: 0xfe80 << 48, 1, scope: 2) : nil))
  }

  @Test func whatASocketAskedForIsSeenThroughAnotherProcessesDescriptor() throws {
    let socket = try Socket(udpFor: .anyIPv4)
    try socket.bind(to: Endpoint(.anyIPv4, 0))
    let inode = try #require(socket.inode)
    let holder = SocketHolder(id: getpid(), name: "tests", descriptor: socket.descriptor)
    #expect(try SocketSettings.read(from: holder, inode: inode) == SocketSettings())
    try socket.apply([.receiveDestination])
    #expect(try SocketSettings.read(from: holder, inode: inode).tellsDestinationV4)
    #expect(throws: Errno(EBADF)) { try SocketSettings.read(from: holder, inode: inode + 1) }
  }
}
