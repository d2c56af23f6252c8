import Glibc
import Linux
import Testing

/// What can be seen of sockets and processes from outside.
struct InspectionTests {
  private func bound(_ text: String) throws -> (socket: Socket, endpoint: Endpoint) {
    let endpoint = try #require(Endpoint(text))
    let socket = try Socket(udpFor: endpoint.address)
    try socket.bind(to: endpoint)
    return (socket, try socket.localEndpoint())
  }

  @Test func whatEverybodyMayKnowOfAProcess() throws {
    let ourselves = try #require(ProcessStatus(getpid()))
    #expect(ourselves.user == geteuid())
    let highest = dup2(0, 700)
    defer { close(highest) }
    #expect(try #require(ProcessStatus(getpid())).descriptorTableSize > 700)
    #expect(ProcessStatus("Name:\tUid:\t9\nUid:\t1\t2\t3\t4\nFDSize:\t64\n")?.user == 2)
    #expect(ProcessStatus("Name:\tx\nUid:\t1\t2\t3\t4\n") == nil)
    #expect(ProcessStatus(Int32.max) == nil)
  }

  @Test(arguments: ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"])
  func aSocketIsListedUnderItsPort(at text: String) throws {
    let (socket, endpoint) = try bound(text)
    let entries = try UDPSocketTable.read(port: endpoint.port)
    let entry = try #require(entries.first { $0.inode == socket.inode })
    #expect(entry.local == endpoint)
    #expect(entry.isIPv6 == !endpoint.address.isIPv4)
    #expect(entry.user == geteuid())
    #expect(entry.isWildcard == endpoint.address.isWildcard)
    #expect(entries.allSatisfy { $0.local.port == endpoint.port })
    #expect(try UDPSocketTable.read().contains(entry))
  }

  @Test func aConnectedSocketHasAPeerAndIsNoWildcard() throws {
    let (service, endpoint) = try bound("127.0.0.1:0")
    let client = try Socket(udpFor: endpoint.address)
    try client.connect(to: endpoint)
    let port = try client.localEndpoint().port
    let entry = try #require(UDPSocketTable.read(port: port).first { $0.inode == client.inode })
    #expect(entry.peer == endpoint)
    #expect(!entry.isWildcard)
    _ = service
  }

  @Test func aDualStackSocketTakesBothFamiliesAndAnotherOnlyIPv6() throws {
    let (dual, endpoint) = try bound("[::]:0")
    let port = endpoint.port
    let entry = try #require(UDPSocketTable.read(port: port).first { $0.inode == dual.inode })
    #expect(!entry.isIPv6Only && entry.takes(ipv4: true) && entry.takes(ipv4: false))
    let only = try Socket(udpFor: .anyIPv6)
    try only.apply([.v6Only])
    try only.bind(to: Endpoint(.anyIPv6, 0))
    let other = try only.localEndpoint().port
    let second = try #require(UDPSocketTable.read(port: other).first { $0.inode == only.inode })
    #expect(second.isIPv6Only && !second.takes(ipv4: true) && second.takes(ipv4: false))
  }

  @Test func aLineOfProcIsReadAsTheKernelWritesIt() throws {
    let line: Substring =
      " 4711: 0100007F:162E 0200007F:0035 01 00000000:00000000 00:00000000 00000000  1000        0 31337 2 0000000 0"
    let entry = try #require(ProcSocketTable.entry(line, isIPv6: false))
    #expect(entry.local == Endpoint("127.0.0.1:5678"))
    #expect(entry.peer == Endpoint("127.0.0.2:53"))
    #expect(entry.user == 1000 && entry.inode == 31337)
    let six: Substring =
      " 1: 00000000000000000000000001000000:162E 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 5 2 0 0"
    #expect(ProcSocketTable.entry(six, isIPv6: true)?.local == Endpoint("[::1]:5678"))
    #expect(ProcSocketTable.entry(six, isIPv6: true)?.peer == nil)
  }

  @Test func theHolderOfASocketIsFoundByItsInode() throws {
    let (socket, _) = try bound("127.0.0.1:0")
    let inode = try #require(socket.inode)
    let holder = try #require(SocketHolder.first(of: [inode])[inode])
    #expect(holder.id == getpid())
    #expect(holder.descriptor == socket.descriptor)
    #expect(SocketHolder.all(of: [inode])[inode] == [holder])
    #expect(SocketHolder.first(of: [UInt64.max]).isEmpty)
  }

  @Test func aProcessCannotDriveATerminalByItsName() throws {
    let ours = SocketHolder.name(of: getpid())
    defer { try? rename(ours) }
    try rename("\u{1b}[2J\u{202e}x")
    #expect(SocketHolder.name(of: getpid()) == "\\x1b[2J\\u{202e}x")
    try rename("x\r")
    #expect(SocketHolder.name(of: getpid()) == "x\\x0d")
    #expect(SocketHolder(id: 1, name: "a\u{7f}", descriptor: 3).description == "a\\x7f (pid 1)")
  }

  /// As prctl(2), PR_SET_NAME, does for the main thread.
  private func rename(_ name: String) throws {
    let file = Socket(owning: unsafe open("/proc/self/comm", O_WRONLY | O_CLOEXEC))
    guard unsafe write(file.descriptor, name, name.utf8.count) == name.utf8.count else { throw Errno(errno) }
  }

  /// Whoever opens and closes sockets on the port does not keep us from sleep.
  @Test func aLimitedDoorbellRingsForItsSocketsAlone() throws {
    var (mine, endpoint): (Socket?, Endpoint) = try bound("127.0.0.1:0")
    var another: Socket? = try Socket(udpFor: .loopbackIPv6)
    try another?.bind(to: Endpoint(.loopbackIPv6, endpoint.port))
    func cookie(_ socket: Socket?) throws -> UInt64 {
      let entries = try UDPSocketTable.read(port: endpoint.port)
      return try #require(entries.first { $0.inode == socket?.inode }).cookie
    }
    let bell = try SocketDoorbell(port: endpoint.port)
    bell.limit(to: [try cookie(another)])
    var strangers = 0
    while strangers < 100 {
      let stranger = try Socket(udpFor: .anyIPv4)
      try stranger.bind(to: Endpoint(IPAddress(v4: 0x7f00_0009), endpoint.port))
      strangers += 1
    }
    mine = nil
    another = nil
    // The kernel tells in order, as they go.
    #expect(try bell.socket.waitUntilReadable(within: .seconds(10)))
    #expect(bell.drain() == 1)
    bell.limit(to: nil)
    _ = try Socket(udpFor: .anyIPv4).bind(to: endpoint)
    #expect(try bell.socket.waitUntilReadable(within: .seconds(10)))
    _ = mine
  }

  @Test func theDoorbellRingsWhenASocketOfThePortIsGoneAndForNoOther() throws {
    var (socket, endpoint): (Socket?, Endpoint) = try bound("127.0.0.1:0")
    let bell = try SocketDoorbell(port: endpoint.port)
    for _ in 0..<10 { _ = try bound("127.0.0.1:0") }
    #expect(try !bell.socket.waitUntilReadable(within: .milliseconds(50)))
    _ = socket
    socket = nil
    #expect(try bell.socket.waitUntilReadable(within: .seconds(10)))
    bell.drain()
    #expect(try !bell.socket.waitUntilReadable(within: .zero))
  }

  @Test func aDescriptorOfAnotherProcessIsSharedWithIt() throws {
    let (socket, endpoint) = try bound("127.0.0.1:0")
    // This process is as good as another.
    let copy = try ProcessHandle(getpid()).duplicate(socket.descriptor)
    #expect(copy.descriptor != socket.descriptor)
    #expect(copy.inode == socket.inode)
    #expect(try copy.localEndpoint() == endpoint)
    #expect(throws: Errno(EBADF)) { try ProcessHandle(getpid()).duplicate(1 << 20) }
  }

  @Test(.enabled(if: geteuid() == 0 && Capability.setUser.isEffective))
  func aSocketMadeInAnothersNameBelongsToThem() throws {
    // Where the user namespace knows no other user, there is nobody in whose name to act.
    guard let user = (try? Rights.inName(of: 1234) { 1234 as UInt32 }) else { return }
    let socket = try Rights.inName(of: user) { () throws(Errno) in try Socket(udpFor: .loopbackIPv4) }
    try socket.bind(to: Endpoint(.loopbackIPv4, 0))
    let port = try socket.localEndpoint().port
    #expect(try UDPSocketTable.read(port: port).first { $0.inode == socket.inode }?.user == user)
    let ours = try Socket(udpFor: .loopbackIPv4)
    try ours.bind(to: Endpoint(.loopbackIPv4, 0))
    let other = try ours.localEndpoint().port
    #expect(try UDPSocketTable.read(port: other).first { $0.inode == ours.inode }?.user == geteuid())
  }
}
