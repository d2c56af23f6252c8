import Linux
import Support
import Testing

/// A train that the kernel refuses as a train goes datagram by datagram, in order, and none is lost.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct TrainRefusalTests {
  /// A refusal of a train, and what becomes of the trains after it.
  struct Refusal: Sendable, CustomTestStringConvertible {
    let errno: Errno
    /// Whether another one of the same size, and one of smaller datagrams, goes as a train on a socket with one peer.
    let same, smaller: Bool
    let way: Way

    /// Where a socket has many peers, the small path of one is not held against the others.
    func isTrainAgain(toOnePeer: Bool) -> Bool { same || (errno == .messageTooLong && !toOnePeer) }
    var testDescription: String { "\(errno.name), \(way)" }
  }

  private static let refusals = Way.local.flatMap { way in
    [
      // Too many segments for this kernel: no other train need be.
      Refusal(errno: .invalidArgument, same: true, smaller: true, way: way),
      // The path's MTU is smaller than these datagrams.
      Refusal(errno: .messageTooLong, same: false, smaller: true, way: way),
      // The device cannot checksum segments at all.
      Refusal(errno: .inputOutput, same: false, smaller: false, way: way),
    ]
  }

  /// Twenty datagrams as one message, each with its number, the last shorter.
  private static func train(segment: Int) -> [UInt8] {
    (0..<20).flatMap { number in [UInt8](repeating: UInt8(number), count: number < 19 ? segment : segment / 2) }
  }

  private static func datagrams(_ bytes: [UInt8], segment: Int) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: segment).map { Array(bytes[$0..<min($0 + segment, bytes.count)]) }
  }

  @Test(arguments: Self.refusals)
  func aRefusedTrainTowardsTheBackendGoesOneByOne(refusal: Refusal) throws {
    var fault = FaultInjection.Fault(.send, .failure(refusal.errno))
    (fault.trainsOnly, fault.peerPort) = (true, 7000)
    let scene = try BackendScene(refusal.way, faults: FaultInjection([fault]))
    let service = try TestService(on: scene.backend, in: scene.network.host, .echo { $0.trains = true })
    let client = try scene.client()
    var ledger = Ledger()
    ledger.began(1)
    var messages = 0
    let again = refusal.isTrainAgain(toOnePeer: refusal.way == .connected)
    for (segment, isTrain) in [(1000, false), (1000, again), (500, refusal.smaller)] {
      let bytes = Self.train(segment: segment)
      let datagrams = Self.datagrams(bytes, segment: segment)
      try client.send(bytes, segmentSize: segment)
      for datagram in datagrams { #expect(try client.receive()?.bytes == datagram) }
      ledger.echoed(at: scene.asked, datagrams)
      messages += isTrain ? 1 : 20
      #expect(service.tally.messages == messages)
    }
    // Nothing was lost, so nothing is counted but what went.
    try scene.relay.settle(on: ledger)
    #expect(scene.relay.process.lines(of: .error).contains("fault: sendmmsg \(refusal.errno.name)"))
  }

  @Test(arguments: Self.refusals)
  func aRefusedTrainTowardsAClientGoesOneByOne(refusal: Refusal) throws {
    var fault = FaultInjection.Fault(.send, .failure(refusal.errno))
    (fault.trainsOnly, fault.localPort) = (true, 5678)
    let scene = try BackendScene(refusal.way, faults: FaultInjection([fault]))
    let service = try TestService(on: scene.backend, in: scene.network.host, .echo { $0.trains = true })
    let client = try UDPClient(in: scene.network.client, to: scene.asked, receivesTrains: true)
    var ledger = Ledger()
    ledger.began(1)
    let again = refusal.isTrainAgain(toOnePeer: false)
    for (segment, isTrain) in [(1000, false), (1000, again), (500, refusal.smaller)] {
      let bytes = Self.train(segment: segment)
      let datagrams = Self.datagrams(bytes, segment: segment)
      try client.send(bytes, segmentSize: segment)
      var (received, messages): ([[UInt8]], Int) = ([], 0)
      while received.count < 20, let message = try client.receive() {
        received += message.datagrams
        messages += 1
      }
      #expect(received == datagrams)
      #expect(messages == (isTrain ? 1 : 20))
      ledger.echoed(at: scene.asked, datagrams)
    }
    try scene.relay.settle(on: ledger)
    #expect(service.tally.messages == 3)
    #expect(scene.relay.process.lines(of: .error).contains("fault: sendmmsg \(refusal.errno.name)"))
  }

  /// Without any help from us: the way to the client takes 600 bytes at a time.
  @Test(arguments: Way.local)
  func aTrainAboveThePathsMTUGoesInFragments(way: Way) throws {
    let scene = try BackendScene(way)
    let service = try TestService(on: scene.backend, in: scene.network.host, .echo { $0.trains = true })
    try scene.network.host.ip(["route add 10.1.255.1/32 dev eth0 mtu lock 600"])
    let client = try scene.client()
    var ledger = Ledger()
    ledger.began(1)
    for segment in [1000, 500] {
      let bytes = Self.train(segment: segment)
      let datagrams = Self.datagrams(bytes, segment: segment)
      try client.send(bytes, segmentSize: segment)
      for datagram in datagrams { #expect(try client.receive()?.bytes == datagram) }
      ledger.echoed(at: scene.asked, datagrams)
    }
    try scene.relay.settle(on: ledger)
    #expect(service.tally.messages == 2)
  }
}
