import Adoption
import Glibc
import Linux
import Support
import Synchronization
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

  /// 1,000 times, with an attacker of another user who tries the address and the wildcard without a pause, by SO_REUSEPORT
  /// and SO_REUSEADDR both.
  @Test(.enabled(if: Attacker.isPossible, "it takes root, who can make sockets in others' names"))
  func noStrangerGetsInAtAnyMomentOfAThousandAdoptions() throws {
    let service = try Service(user: 1234)
    var opener = Opener(port: service.port)
    let attacker = try Attacker(port: service.port, addresses: [first, second, .anyIPv4])
    for _ in 0..<1_000 {
      // A program that another test starts has a copy of our sockets for a moment.
      try eventually("the last listeners are closed") {
        try UDPSocketTable.read(port: service.port).allSatisfy(\.isWildcard)
      }
      let sockets = try [first, second].map { address in try opener.open(address, workers: 1)[0] }
      #expect(try sockets.map { try $0.localEndpoint().address } == [first, second])
    }
    let (tries, successes) = attacker.stop()
    #expect(successes == 0)
    #expect(tries > 1_000)
  }
}

/// Somebody who spins on bind(2), from a thread of its own, in another user's name.
private final class Attacker: Sendable {
  /// Whether this process may act as several users.
  static let isPossible = (try? Rights.inName(of: 1234) {}) != nil && (try? Rights.inName(of: 4321) {}) != nil

  private let isStopping = Atomic(false)
  private let tries = Atomic(0)
  private let successes = Atomic(0)
  private let thread: Monitor<Linux.Thread?> = Monitor(nil)

  init(port: UInt16, addresses: [IPAddress]) throws {
    let started = try Linux.Thread(named: "attacker") { [self] in
      while !isStopping.load(ordering: .relaxed) {
        for address in addresses { attack(Endpoint(address, port)) }
      }
    }
    thread.with { $0 = started }
    try eventually("the first attack") { tries.load(ordering: .relaxed) > 0 }
  }

  private func attack(_ endpoint: Endpoint) {
    do throws(Errno) {
      let socket = try Rights.inName(of: 4321) { () throws(Errno) in try Socket(udpFor: endpoint.address) }
      try socket.setSharesPort(true)
      try socket.setReusesAddress(true)
      tries.add(1, ordering: .relaxed)
      try socket.bind(to: endpoint)
      successes.add(1, ordering: .relaxed)
    } catch {}
  }

  /// Ends it.
  func stop() -> (tries: Int, successes: Int) {
    isStopping.store(true, ordering: .relaxed)
    thread.with { $0 }?.join()
    return (tries.load(ordering: .relaxed), successes.load(ordering: .relaxed))
  }
}

extension Socket {
  /// SO_REUSEADDR, as attackers set it.
  fileprivate func setReusesAddress(_ reuses: Bool) throws(Errno) {
    var value: Int32 = reuses ? 1 : 0
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}
