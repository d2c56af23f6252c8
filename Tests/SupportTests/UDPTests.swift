import Linux
import Support
import Testing

/// What the tests' own sockets and services can do; all on loopback.
struct UDPTests {
  private let loopback = Endpoint(.loopbackIPv4, 0)

  @Test(arguments: [IPAddress.loopbackIPv4, .loopbackIPv6])
  func aDatagramTellsItsSenderTrafficClassAndHopLimit(address: IPAddress) throws {
    let receiver = try UDPClient(from: Endpoint(address, 0))
    let sender = try UDPClient(from: Endpoint(address, 0))
    try sender.send([1, 2, 3], to: receiver.localEndpoint(), trafficClass: 0xb8, hopLimit: 7)
    let message = try #require(try receiver.receive())
    #expect(message.bytes == [1, 2, 3])
    #expect(message.from == (try sender.localEndpoint()))
    #expect(message.trafficClass == 0xb8)
    #expect(message.hopLimit == 7)
    #expect(!message.isTruncated)
  }

  @Test(arguments: [(IPAddress.loopbackIPv4, 65_507), (.loopbackIPv6, 65_527)])
  func theEmptyAndTheLargestDatagramArrive(address: IPAddress, largest: Int) throws {
    let receiver = try UDPClient(from: Endpoint(address, 0))
    let sender = try UDPClient(to: receiver.localEndpoint())
    for size in [0, largest] {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
      try sender.send(bytes)
      #expect(try receiver.receive()?.bytes == bytes)
    }
    #expect(throws: Errno.messageTooLong) { try sender.send([UInt8](repeating: 0, count: largest + 1)) }
  }

  @Test func aTrainArrivesWholeOrAsDatagrams() throws {
    let bytes = (0..<2500).map { UInt8(truncatingIfNeeded: $0 / 10) }
    let whole = try UDPClient(from: loopback, receivesTrains: true)
    let pieces = try UDPClient(from: loopback)
    let sender = try UDPClient()
    try sender.send(bytes, to: whole.localEndpoint(), segmentSize: 1000)
    try sender.send(bytes, to: pieces.localEndpoint(), segmentSize: 1000)
    let train = try #require(try whole.receive())
    #expect(train.segmentSize == 1000)
    #expect(train.bytes == bytes)
    #expect(train.datagrams.map(\.count) == [1000, 1000, 500])
    for datagram in train.datagrams { #expect(try pieces.receive()?.bytes == datagram) }
  }

  @Test func aClosedPortIsReportedOnce() throws {
    let closed = try UDPClient(from: loopback).localEndpoint()
    let client = try UDPClient(to: closed)
    try client.send("anybody?")
    #expect(throws: Errno.connectionRefused) { try client.receive() }
    #expect(try client.receive(within: .milliseconds(10)) == nil)
  }

  @Test func aServiceRepeatsItself() throws {
    let service = try TestService(on: loopback, .echo { $0.replies = 3 })
    let client = try UDPClient(to: service.endpoint)
    try client.send("again")
    for _ in 1...3 { #expect(try client.receive()?.bytes == [UInt8]("again".utf8)) }
    let tally = try service.waitForTally { $0.sent == 3 }
    #expect(tally.received == 1)
    #expect(tally.clients == [try client.localEndpoint()])
  }

  @Test func aServiceTakesItsTimeAndKeepsTheOrder() throws {
    let service = try TestService(on: loopback, .echo { $0.delay = .milliseconds(50) })
    let client = try UDPClient(to: service.endpoint)
    let start = Instant.now
    for number: UInt8 in 1...5 { try client.send([number]) }
    for number: UInt8 in 1...5 { #expect(try client.receive()?.bytes == [number]) }
    #expect(Instant.now - start >= .milliseconds(50))
  }

  @Test func aServiceThatNeverAnswersCounts() throws {
    let service = try TestService(on: loopback, .echo { $0.replies = 0 })
    let client = try UDPClient(to: service.endpoint)
    for _ in 1...4 { try client.send("hello") }
    #expect(try service.waitForTally { $0.received == 4 }.sent == 0)
  }

  @Test func aServiceAnswersInAnotherSize() throws {
    let service = try TestService(on: loopback, .echo { $0.replySize = 60_000 })
    let reply = try UDPClient(to: service.endpoint).ask([1, 2, 3])
    #expect(reply?.bytes.count == 60_000)
    #expect(reply?.bytes.prefix(4) == [1, 2, 3, 1])
  }

  @Test func aServiceAnswersTrainsWithTrains() throws {
    let service = try TestService(on: loopback, .echo { $0.trains = true })
    let client = try UDPClient(to: service.endpoint, receivesTrains: true)
    let bytes = [UInt8](repeating: 5, count: 40_000)
    try client.send(bytes, segmentSize: 1200)
    let reply = try #require(try client.receive())
    #expect(reply.segmentSize == 1200)
    #expect(reply.bytes == bytes)
    #expect(try service.waitForTally { $0.sent == 34 }.messages == 1)
  }

  @Test func aServiceThatHasGoneLeavesItsPortFree() throws {
    var service: TestService? = try TestService(on: loopback)
    let endpoint = try #require(service?.endpoint)
    service = nil
    #expect(throws: Never.self) { try TestService(on: endpoint) }
    _ = service
  }

  @Test func aSmallQueueLosesDatagramsSilently() throws {
    let receiver = try UDPClient(from: loopback, receiveBuffer: 4096)
    let sender = try UDPClient(to: receiver.localEndpoint())
    for _ in 1...1000 { try sender.send([0]) }
    var received = 0
    while try receiver.receive(within: .milliseconds(10)) != nil { received += 1 }
    #expect((1..<100).contains(received))
  }
}
