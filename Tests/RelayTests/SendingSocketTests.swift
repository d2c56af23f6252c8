import Linux
import Relay
import Testing

@Suite struct SendingSocketTests {
  private let now = Instant(nanoseconds: 1_000_000_000_000)

  private func socket(isConnected: Bool = false) throws -> SendingSocket {
    let socket = try Socket.listener(on: Endpoint(.loopbackIPv4, 0), sharesPort: false)
    return SendingSocket(socket, isIPv4: true, isConnected: isConnected)
  }

  /// A train of so many datagrams of one size.
  private func train(_ count: Int, _ size: Int32) throws -> Train {
    let message = ReceivedMessage(peer: client(0), length: size)
    return try #require(try TestRelay().ask(Array(repeating: message, count: count)).first)
  }

  @Test func trainsGoUntilTheDeviceCannotChecksumThem() throws {
    var socket = try socket()
    let train = try train(2, 100)
    #expect(socket.takes(train, now: now))
    socket.refused(train, .inputOutput, now: now)
    #expect(!socket.takes(train, now: now))
    #expect(!socket.takes(train, now: now + .seconds(1_000)))
    #expect(socket.takes(try self.train(1, 100), now: now))
  }

  @Test func aSizeThatDidNotFitThePathIsTriedAgainAfterTenSeconds() throws {
    var socket = try socket(isConnected: true)
    socket.refused(try train(2, 1_400), .messageTooLong, now: now)
    #expect(!socket.takes(try train(2, 1_400), now: now))
    #expect(!socket.takes(try train(2, 1_401), now: now + Nanoseconds(9_999_999_999)))
    #expect(socket.takes(try train(2, 1_399), now: now))
    #expect(socket.takes(try train(1, 9_000), now: now))
    #expect(socket.takes(try train(2, 1_400), now: now + .seconds(10)))
  }

  @Test func theSmallestRefusedSizeCountsUntilItIsForgotten() throws {
    var socket = try socket(isConnected: true)
    socket.refused(try train(2, 1_400), .messageTooLong, now: now)
    socket.refused(try train(2, 1_200), .messageTooLong, now: now)
    socket.refused(try train(2, 1_300), .messageTooLong, now: now)
    #expect(!socket.takes(try train(2, 1_200), now: now))
    // What is refused after that time says nothing about smaller sizes.
    socket.refused(try train(2, 1_300), .messageTooLong, now: now + .seconds(10))
    #expect(socket.takes(try train(2, 1_299), now: now + .seconds(10)))
    #expect(!socket.takes(try train(2, 1_300), now: now + .seconds(10)))
  }

  @Test func onePeersSmallPathIsNotHeldAgainstTheOthersOfASocket() throws {
    var socket = try socket()
    socket.refused(try train(2, 1_400), .messageTooLong, now: now)
    #expect(socket.takes(try train(2, 1_400), now: now))
  }

  @Test func aTrainLongerThanAnyIPv4DatagramIsNotTriedWhole() throws {
    let train = try #require(
      try TestRelay().ask([ReceivedMessage(peer: client(0), length: 65_520, segmentSize: 1_200)]).first)
    #expect(!(try socket()).takes(train, now: now))
  }

  @Test func anInvalidArgumentIsNotHeldAgainstLaterTrains() throws {
    var socket = try socket()
    socket.refused(try train(2, 100), .invalidArgument, now: now)
    #expect(socket.takes(try train(2, 100), now: now))
  }

  @Test(arguments: [
    (Errno.messageTooLong, true), (.invalidArgument, true), (.inputOutput, true), (.again, false), (.noBuffers, false),
    (.notPermitted, false), (.networkUnreachable, false),
  ])
  func onlySomeRefusalsMeanTheTrainItself(errno: Errno, blames: Bool) {
    #expect(SendingSocket.blamesTrain(errno) == blames)
  }

  @Test(arguments: [
    (Errno.connectionRefused, true), (.hostUnreachable, true), (.networkUnreachable, true), (.hostDown, true),
    (.protocolUnavailable, true), (.notPermitted, false), (.again, false), (.messageTooLong, false),
  ])
  func onlyAConnectedSocketTellsOldNews(errno: Errno, isOldNews: Bool) throws {
    #expect(try socket(isConnected: true).mayBeOldNews(errno) == isOldNews)
    #expect(try !socket(isConnected: false).mayBeOldNews(errno))
  }
}
