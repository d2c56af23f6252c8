import Linux
import Relay
import Testing

/// A core with a clock that moves only when told to.
final class TestRelay {
  let counters = RelayCounters()
  var core: RelayCore
  var now = Instant(nanoseconds: 1_000_000_000_000)

  static let backend = Endpoint(.loopbackIPv4, 5_678)
  static let firstSource: UInt32 = 0x7f40_0000

  /// A multiplexing relay when `sources` says how many addresses it has, otherwise a connected one.
  init(
    sources: Int? = 64, backend: IPAddress = .loopbackIPv4, maxSessions: Int = 16, responses: UInt32 = 0,
    quarantine: Nanoseconds = SourcePool.standardQuarantine
  ) throws {
    let range = sources.map { SourceRange(first: Self.firstSource, count: $0) }
    let plan = RelayPlan(
      name: "test", backend: backend, backendPorts: 5_678...5_678,
      upstream: range.map { .multiplexed($0) } ?? .connected, maxSessions: maxSessions, responses: responses)
    core = try RelayCore(plan, counters: counters, quarantine: quarantine)
    core.upstreamPort = 40_000
    core.broadcastAddresses = [0xc000_02ff]
  }

  func wait(_ time: Nanoseconds) { now = now + time }

  /// Clients ask; the trains that leave towards the backend.
  @discardableResult
  func ask(_ messages: [ReceivedMessage], on listener: UInt32 = 0) -> [Train] {
    core.receiveFromClients(Self.batch(messages), on: ListenerIndex(listener), now: now)
    return trains
  }

  @discardableResult
  func ask(_ clients: Int..., on listener: UInt32 = 0) -> [Train] {
    ask(clients.map { ReceivedMessage(peer: client($0), length: 10) }, on: listener)
  }

  /// The backend answers to source addresses, by number; the trains that leave towards clients.
  @discardableResult
  func reply(to sources: UInt32..., length: Int32 = 10, segmentSize: Int32 = 0) -> [Train] {
    let replies = sources.map {
      ReceivedMessage(
        peer: Self.backend, length: length, segmentSize: segmentSize, destination: Self.firstSource + $0, hopLimit: 0)
    }
    core.receiveFromBackend(Self.batch(replies), now: now)
    return trains
  }

  private var trains: [Train] { (0..<core.trains.count).map { core.trains[$0] } }

  /// The slots of a train of the last batch, in order.
  func slots(of train: Train) -> [Int] {
    var slots = [train.firstSlot]
    while let last = slots.last, last != train.lastSlot { slots.append(core.trains.slot(after: last)) }
    return slots.map { Int($0) }
  }

  private static func batch(_ messages: [ReceivedMessage]) -> ReceivedMessages {
    var batch = ReceivedMessages()
    for message in messages { batch.append(message) }
    return batch
  }
}

/// The client of a number.
func client(_ number: Int) -> Endpoint { Endpoint(IPAddress(v4: 0xc0a8_6a02), UInt16(1_024 + number)) }
