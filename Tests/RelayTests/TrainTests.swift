import Linux
import Relay
import Testing

/// What one session receives in one batch, and the trains that must come of it: each the slots that it takes.
///
/// A message is a size, or `SIZE/SEGMENT` for a GRO train.
struct TrainCase: Sendable, CustomTestStringConvertible {
  let name: String
  let messages: String
  let trains: [[Int]]

  init(_ name: String, _ messages: String, _ trains: [[Int]]) {
    self.name = name
    self.messages = messages
    self.trains = trains
  }

  var testDescription: String { name }

  var received: [ReceivedMessage] {
    messages.split(separator: " ").map { text in
      let parts = text.split(separator: "/").map { Int32($0) ?? -1 }
      return ReceivedMessage(peer: client(0), length: parts[0], segmentSize: parts.count > 1 ? parts[1] : 0)
    }
  }
}

@Suite struct TrainTests {
  @Test(arguments: [
    TrainCase("one datagram is a train of one", "100", [[0]]),
    TrainCase("datagrams of one size are one train", "100 100 100", [[0, 1, 2]]),
    TrainCase("a shorter one is the last", "100 100 50 100 100", [[0, 1, 2], [3, 4]]),
    TrainCase("after a shorter one comes a new train even for its own size", "100 50 50", [[0, 1], [2]]),
    TrainCase("a train of mixed sizes is cut at the first longer datagram", "100 100 200 200", [[0, 1], [2, 3]]),
    TrainCase("growing sizes are trains of one", "1 2 3", [[0], [1], [2]]),
    TrainCase("falling sizes are trains of two", "4 3 2 1", [[0, 1], [2, 3]]),
    TrainCase("an empty datagram stands alone", "0", [[0]]),
    TrainCase("empty datagrams never make a train", "0 0 100 0 100", [[0], [1], [2], [3], [4]]),
    TrainCase("a GRO train passes whole", "1000/100", [[0]]),
    TrainCase("GRO trains of one size are one train", "1000/100 500/100", [[0, 1]]),
    TrainCase("a GRO train with a short end is the last", "250/100 100", [[0], [1]]),
    TrainCase("a single datagram joins a GRO train", "1000/100 100 40 100", [[0, 1, 2], [3]]),
    TrainCase("a GRO train joins single datagrams", "100 1000/100", [[0, 1]]),
    TrainCase("a GRO train of smaller segments does not join", "100 100/50", [[0], [1]]),
    TrainCase("a segment size that is not reached means one datagram", "100/100 100/500 100", [[0, 1, 2]]),
    TrainCase("a GRO train above all limits passes whole and alone", "65500/500 500", [[0], [1]]),
    TrainCase("65,000 bytes still are a train", "32500 32500", [[0, 1]]),
    TrainCase("65,001 bytes are not", "32501 32500", [[0], [1]]),
    TrainCase("64 segments still are a train", "6300/100 100", [[0, 1]]),
    TrainCase("65 segments are not", "6400/100 100", [[0], [1]]),
    TrainCase("what joins must fit as a whole", "6000/100 500/100 100", [[0], [1, 2]]),
  ])
  func datagramsOfOneSessionAreGrouped(_ given: TrainCase) throws {
    let relay = try TestRelay()
    let trains = relay.ask(given.received)
    #expect(trains.map(relay.slots) == given.trains)
    for (train, slots) in zip(trains, given.trains) {
      let messages = slots.map { given.received[$0] }
      #expect(train.bytes == messages.reduce(0) { $0 + $1.length })
      #expect(train.datagrams == messages.reduce(0) { $0 + $1.datagrams })
      #expect(train.segmentSize == (messages[0].datagrams > 1 ? messages[0].segmentSize : messages[0].length))
    }
  }

  @Test func aFullBatchOfOneSessionIsOneTrain() throws {
    let relay = try TestRelay()
    let trains = relay.ask(Array(repeating: ReceivedMessage(peer: client(0), length: 1_000), count: 64))
    #expect(trains.map(relay.slots) == [Array(0..<64)])
  }

  @Test func sessionsDoNotMixAndEachKeepsItsOrder() throws {
    let relay = try TestRelay()
    let messages = [0, 1, 0, 1, 2, 0].map { ReceivedMessage(peer: client($0), length: 10) }
    let trains = relay.ask(messages)
    #expect(trains.map(relay.slots) == [[0, 2, 5], [1, 3], [4]])
    #expect(trains.map(\.client) == [client(0), client(1), client(2)])
    #expect(Set(trains.map(\.source)).count == 3)
  }

  /// A longer datagram began a second train; a shorter one may not slip into the first, before it.
  @Test func aDatagramNeverJoinsAnOlderTrainOfItsSession() throws {
    let relay = try TestRelay()
    let trains = relay.ask([100, 100, 200, 100, 100].map { ReceivedMessage(peer: client(0), length: $0) })
    #expect(trains.map(relay.slots) == [[0, 1], [2, 3], [4]])
  }

  @Test func anotherTrafficClassIsAnotherTrain() throws {
    let relay = try TestRelay()
    let messages = [0, 0xb8, 0xb8, 0].map { ReceivedMessage(peer: client(0), length: 10, trafficClass: $0) }
    let trains = relay.ask(messages)
    #expect(trains.map(relay.slots) == [[0], [1, 2], [3]])
    #expect(trains.map(\.trafficClass) == [0, 0xb8, 0])
  }

  @Test func onlyAnotherHandedOnHopLimitIsAnotherTrain() throws {
    let relay = try TestRelay()
    let messages = [64, 33, 32, 32, 0, 255].map { ReceivedMessage(peer: client(0), length: 10, hopLimit: $0) }
    let trains = relay.ask(messages)
    // 64, 33 and 255 all would be handed on as the 32 that the socket sets anyway; 0 is not known.
    #expect(trains.map(relay.slots) == [[0, 1], [2, 3], [4, 5]])
    #expect(trains.map(\.hopLimit) == [0, 31, 0])
  }

  @Test(arguments: [(64, 63), (65, 0), (2, 1), (255, 0), (33, 32)] as [(UInt8, UInt8)])
  func aConnectedUpstreamHandsOnOneHopLessThanItGot(received: UInt8, handedOn: UInt8) throws {
    let trains = try TestRelay(sources: nil).ask([ReceivedMessage(peer: client(0), length: 1, hopLimit: received)])
    #expect(trains.map(\.hopLimit) == [handedOn])
  }

  @Test func aBatchDoesNotContinueTheTrainsOfTheOneBefore() throws {
    let relay = try TestRelay()
    relay.ask(0, 1)
    let trains = relay.ask(1, 0, 1)
    #expect(trains.map(relay.slots) == [[0, 2], [1]])
  }

  /// With room for one session only, each client takes the other's place in the table within one batch.
  @Test func aSessionInTheSamePlaceDoesNotInheritItsPredecessorsTrain() throws {
    let relay = try TestRelay(maxSessions: 1)
    let trains = relay.ask(0, 1, 0)
    #expect(trains.map(\.client) == [client(0), client(1), client(0)])
    #expect(trains.map(\.source) == [0, 1, 2])
    #expect(Set(trains.map(\.session)).count == 1)
    #expect(relay.counters.ended(.evicted) == 2)
  }
}
