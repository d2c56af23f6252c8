import Linux
import Testing

/// What the kernel does with batches: facts that the data plane leans on.
struct BatchTests {
  /// Two sockets that know each other on loopback.
  struct Pair {
    let near: Socket
    let far: Socket

    init(_ address: IPAddress = .loopbackIPv4) throws(Errno) {
      near = try .listener(on: Endpoint(address, 0), sharesPort: false)
      far = try .connectedUpstream(to: near.localEndpoint())
    }
  }

  /// Sends messages of these lengths, as trains where a segment size is given.
  func send(_ messages: [(length: Int, segmentSize: Int32)], on pair: Pair, isIPv4: Bool = true) throws(Errno) {
    let payload = try ReceiveBatch()
    var batch = SendBatch()
    for (slot, message) in messages.enumerated() {
      var options = SendBatch.Options()
      options.segmentSize = message.segmentSize
      batch.begin(to: nil, isIPv4: isIPv4, options: options)
      batch.attach(slot, of: payload, length: message.length)
    }
    var next = 0
    while next < batch.count { next += try batch.send(on: pair.far.descriptor, from: next) }
  }

  @Test(arguments: [IPAddress.loopbackIPv4, .loopbackIPv6])
  func everyLengthArrivesAsItWasSent(address: IPAddress) throws {
    let pair = try Pair(address)
    let largest = address.isIPv4 ? 65_507 : 65_527
    for length in [0, 1, 1472, 9000, largest] {
      try send([(length, 0)], on: pair, isIPv4: address.isIPv4)
      var batch = try ReceiveBatch()
      #expect(try batch.receive(from: pair.near.descriptor) == 1)
      #expect(batch.messages[0].length == Int32(length))
      #expect(batch.messages[0].datagrams == 1)
      #expect(!batch.messages[0].isTruncated)
      #expect(try batch.messages[0].peer == pair.far.localEndpoint())
    }
  }

  @Test func aDatagramBeyondTheLargestIsRefused() throws {
    let pair = try Pair()
    #expect(throws: Errno.messageTooLong) { try send([(65_508, 0)], on: pair) }
  }

  @Test func aTrainArrivesWholeWithItsSegmentSize() throws {
    let pair = try Pair()
    try send([(3 * 1200 + 7, 1200)], on: pair)
    var batch = try ReceiveBatch()
    #expect(try batch.receive(from: pair.near.descriptor) == 1)
    #expect(batch.messages[0].length == 3607)
    #expect(batch.messages[0].segmentSize == 1200)
    #expect(batch.messages[0].datagrams == 4)
  }

  @Test func anEmptySocketSaysAgain() throws {
    let pair = try Pair()
    var batch = try ReceiveBatch()
    #expect(throws: Errno.again) { try batch.receive(from: pair.near.descriptor) }
  }

  @Test func aBatchHoldsSixtyFourAndLeavesTheRest() throws {
    let pair = try Pair()
    for _ in 0..<3 { try send(Array(repeating: (10, 0), count: 30), on: pair) }
    var batch = try ReceiveBatch()
    #expect(try batch.receive(from: pair.near.descriptor) == 64)
    #expect(try batch.receive(from: pair.near.descriptor) == 26)
  }

  @Test func aRefusedMessageIsToldByTheNextCallAndTheRestGoes() throws {
    let pair = try Pair()
    let payload = try ReceiveBatch()
    var batch = SendBatch()
    for (slot, length) in [10, 65_508, 20].enumerated() {
      batch.begin(to: nil, isIPv4: true, options: SendBatch.Options())
      batch.attach(slot, of: payload, length: length)
    }
    #expect(try batch.send(on: pair.far.descriptor, from: 0) == 1)
    #expect(throws: Errno.messageTooLong) { try batch.send(on: pair.far.descriptor, from: 1) }
    #expect(try batch.send(on: pair.far.descriptor, from: 2) == 1)
  }

  @Test func theMultiplexedUpstreamSendsFromAnyLoopbackAddressAndIsAnsweredThere() throws {
    let service = try Socket.listener(on: Endpoint(.loopbackIPv4, 0), sharesPort: false)
    let backend = try service.localEndpoint()
    let upstream = try Socket.multiplexedUpstream(backend: backend.address, ports: backend.port...backend.port)
    let payload = try ReceiveBatch()
    var batch = SendBatch()
    var options = SendBatch.Options()
    options.source = 0x7f45_0102
    batch.begin(to: backend, isIPv4: true, options: options)
    batch.attach(0, of: payload, length: 5)
    _ = try batch.send(on: upstream.descriptor, from: 0)

    var received = try ReceiveBatch()
    #expect(try received.receive(from: service.descriptor) == 1)
    let peer = received.messages[0].peer
    #expect(peer.address == IPAddress(v4: 0x7f45_0102))
    #expect(received.messages[0].hopLimit == Socket.multiplexedHopLimit)

    batch.removeAll()
    batch.begin(to: peer, isIPv4: true, options: SendBatch.Options())
    batch.attach(0, of: payload, length: 6)
    _ = try batch.send(on: service.descriptor, from: 0)
    #expect(try received.receive(from: upstream.descriptor) == 1)
    #expect(received.messages[0].destination == 0x7f45_0102)
    #expect(received.messages[0].peer == backend)
  }

  @Test func theMultiplexedUpstreamHearsNobodyButTheBackend() throws {
    let service = try Socket.listener(on: Endpoint(.loopbackIPv4, 0), sharesPort: false)
    let backend = try service.localEndpoint()
    let upstream = try Socket.multiplexedUpstream(backend: backend.address, ports: backend.port...backend.port)
    let port = try upstream.localEndpoint().port
    let payload = try ReceiveBatch()
    // A stranger at another port, one at another address, and the backend itself.
    let strangers = [
      try Socket.service(on: Endpoint(.loopbackIPv4, 0)),
      try Socket.service(on: Endpoint(IPAddress(v4: 0x7f00_0002), backend.port)),
    ]
    for socket in strangers + [service] {
      var batch = SendBatch()
      batch.begin(to: Endpoint(IPAddress(v4: 0x7f40_0001), port), isIPv4: true, options: SendBatch.Options())
      batch.attach(0, of: payload, length: 4)
      _ = try batch.send(on: socket.descriptor, from: 0)
    }
    var received = try ReceiveBatch()
    #expect(try received.receive(from: upstream.descriptor) == 1)
    #expect(received.messages[0].peer == backend)
  }
}
