import Linux
import Service
import Testing

/// Sockets that somebody else has opened come first.
@Suite struct InheritedListenersTests {
  private let loopback = Endpoint(.loopbackIPv4, 0)

  /// A bound socket, and where.
  private func bound() throws -> (socket: Socket, endpoint: Endpoint) {
    let socket = try Socket.listener(on: loopback, sharesPort: false)
    return (socket, try socket.localEndpoint())
  }

  private func ask(_ text: String, at endpoint: Endpoint) throws {
    try Socket(udpFor: endpoint.address).send([UInt8](text.utf8), to: endpoint)
  }

  private func hears(_ socket: Socket, _ text: String) throws -> Bool {
    guard try socket.waitUntilReadable(within: .seconds(5)) else { return false }
    return try socket.receive()?.bytes == [UInt8](text.utf8)
  }

  @Test func aLentSocketIsHandedOutAgainAndAgainWithoutWhatCameMeanwhile() throws {
    let (socket, endpoint) = try bound()
    let listeners = InheritedListeners([endpoint: [socket]], .lent)
    try ask("before the start", at: endpoint)
    var opened: Socket? = try listeners.open(endpoint, workers: 1).first
    #expect(try hears(#require(opened), "before the start"))
    opened = nil
    // Closed by now; its port is not free.
    #expect(throws: Errno.addressInUse) { try Socket.listener(on: endpoint, sharesPort: false) }
    try ask("to nobody", at: endpoint)
    let again = try #require(try listeners.open(endpoint, workers: 1).first)
    try ask("hello", at: endpoint)
    #expect(try hears(again, "hello"))
  }

  @Test func agivenSocketIsHandedOutOnceAndThenItsEndpointIsBound() throws {
    var (socket, endpoint): (Socket?, Endpoint) = try bound()
    let listeners = InheritedListeners([endpoint: [try #require(socket)]], .given)
    let descriptor = socket?.descriptor
    socket = nil
    #expect(listeners.endpoints == [endpoint])
    #expect(try listeners.open(endpoint, workers: 1).map(\.descriptor) == [descriptor])
    #expect(listeners.endpoints.isEmpty)
    let bound = try listeners.open(endpoint, workers: 1)
    #expect(try bound.first?.localEndpoint() == endpoint)
  }

  @Test func otherEndpointsComeFromTheOtherSource() throws {
    let (socket, endpoint) = try bound()
    let listeners = InheritedListeners([endpoint: [socket]], .lent)
    let other = try listeners.open(loopback, workers: 2)
    #expect(other.count == 2)
    #expect(try other[0].localEndpoint() != endpoint)
  }

  @Test func everyWorkerJoinsASocketOfItsUsers() throws {
    let (socket, endpoint) = try bound()
    let opened = try InheritedListeners([endpoint: [socket]], .lent).open(endpoint, workers: 3)
    for socket in opened { #expect(try socket.localEndpoint() == endpoint) }
    #expect(opened.count == 3)
    #expect(opened.allSatisfy { $0.sharesPort })
  }

  /// As systemd's are for a service that does not run as root.
  @Test(.enabled(if: InheritedListenersTests.canActAsAnother, "needs CAP_SETUID, and a user 1"))
  func anotherUsersSocketIsServedByOneWorkerAlone() throws {
    let theirs = try Rights.inName(of: 1) { () throws(Errno) in try Socket(udpFor: .loopbackIPv4) }
    try theirs.bind(to: loopback)
    let endpoint = try theirs.localEndpoint()
    let opened = try InheritedListeners([endpoint: [theirs]], .lent).open(endpoint, workers: 3)
    let endpoints = try opened.map { socket throws in try socket.localEndpoint() }
    #expect(endpoints.map { $0 == endpoint } == [true, false, false])
    #expect(!opened[0].sharesPort)
    for number in 1...20 {
      try ask("\(number)", at: endpoint)
      #expect(try hears(opened[0], "\(number)"))
    }
  }

  private static let canActAsAnother =
    (try? Rights.inName(of: 1) { () throws(Errno) in try Socket(udpFor: .loopbackIPv4) }) != nil
}
