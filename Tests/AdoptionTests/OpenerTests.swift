import Adoption
import Glibc
import Linux
import Support
import Testing

/// Listeners beside a service's wildcard socket, and nobody else's.
@Suite(.serialized)
struct OpenerTests {
  /// A service that does nothing but hold its port; in this process, which is as good as another.
  private struct Service {
    let socket: Socket
    let port: UInt16

    init(_ address: IPAddress = .anyIPv4, user: UInt32 = geteuid(), sharesPort: Bool = false) throws {
      socket = try Rights.inName(of: user) { () throws(Errno) in try Socket(udpFor: address) }
      if sharesPort { try socket.setSharesPort(true) }
      try socket.bind(to: Endpoint(address, 0))
      port = try socket.localEndpoint().port
    }
  }

  private let first = IPAddress(v4: 0x7f00_0005)
  private let second = IPAddress(v4: 0x7f00_0006)

  @Test(arguments: [IPAddress.anyIPv4, .anyIPv6], [1, 3])
  func aListenerIsBoundBesideAServiceThatIsLeftAsItWas(wildcard: IPAddress, workers: Int) throws {
    let service = try Service(wildcard)
    var opener = Opener(port: service.port)
    let sockets = try opener.open(first, workers: workers)
    #expect(sockets.count == workers)
    for socket in sockets { #expect(try socket.localEndpoint() == Endpoint(first, service.port)) }
    #expect(!service.socket.sharesPort && !service.socket.reusesAddress)
    // With one worker the port is closed behind us even for the same user.
    #expect(sockets.allSatisfy { $0.sharesPort == (workers > 1) && !$0.reusesAddress })
    let inode = try #require(service.socket.inode)
    // A program that another test starts has one for a moment.
    try eventually("no copy of the service's socket is left") { SocketHolder.all(of: [inode])[inode]?.count == 1 }
  }

  @Test func aServiceThatSharesItsPortStaysFreeToAddSockets() throws {
    let service = try Service(sharesPort: true)
    var opener = Opener(port: service.port)
    let sockets = try opener.open(first, workers: 1)
    #expect(service.socket.sharesPort && sockets[0].sharesPort)
    let another = try Socket(udpFor: .anyIPv4)
    try another.setSharesPort(true)
    try another.bind(to: Endpoint(.anyIPv4, service.port))
  }

  @Test func anAddressThatSomebodyHoldsIsLeftToThem() throws {
    let service = try Service(sharesPort: true)
    let other = try Socket(udpFor: first)
    try other.setSharesPort(true)
    try other.bind(to: Endpoint(first, service.port))
    var opener = Opener(port: service.port)
    #expect(throws: Errno.addressInUse) { try opener.open(first, workers: 1) }
    #expect(throws: Never.self) { try opener.open(second, workers: 1) }
  }

  @Test func withoutAServiceNothingIsOpened() throws {
    let port = try Service().port
    var opener = Opener(port: port)
    #expect(throws: Errno.noProcess) { try opener.open(first, workers: 1) }
  }

  /// 1,000 times, with an attacker of another user who tries the addresses and the wildcard without a pause, by SO_REUSEPORT
  /// and SO_REUSEADDR both.
  @Test(
    .enabled(if: PortAttacker.isPossible, "it takes root, who can make sockets in others' names"),
    arguments: [IPAddress.anyIPv4, .anyIPv6])
  func noStrangerGetsInAtAnyMomentOfAThousandAdoptions(wildcard: IPAddress) throws {
    let service = try Service(wildcard, user: 1234)
    var opener = Opener(port: service.port)
    let addresses = [first, second]
    let attacker = try PortAttacker(port: service.port, addresses: addresses + [wildcard])
    for _ in 0..<1_000 {
      // A program that another test starts has a copy of our sockets for a moment.
      try eventually("the last listeners are closed") {
        try UDPSocketTable.read(port: service.port).allSatisfy(\.isWildcard)
      }
      let sockets = try addresses.map { address in try opener.open(address, workers: 1)[0] }
      #expect(try sockets.map { try $0.localEndpoint().address } == addresses)
    }
    let (tries, successes) = attacker.stop()
    #expect(successes == 0)
    #expect(tries > 1_000)
  }

  /// The same attacker gets in where the option that we never set is set: it is not for another reason that he fails.
  @Test(.enabled(if: PortAttacker.isPossible, "it takes root, who can make sockets in others' names"))
  func theAttackerGetsInWhereTheServiceReusesItsAddress() throws {
    let service = try Service(user: 1234)
    try service.socket.setReusesAddress(true)
    let attacker = try PortAttacker(port: service.port, addresses: [first])
    try eventually("he is in") { attacker.successes > 0 }
    _ = attacker.stop()
  }
}
