import Linux
import Relay

/// A core and its reference model side by side. Whatever happens to one happens to the other, and then they are compared.
final class World {
  let scenario: Scenario
  let counters = RelayCounters()
  var core: RelayCore
  var reference: ReferenceRelay
  var dice: Dice
  var now: UInt64
  var steps = 0
  var messages = ReceivedMessages()
  var gone: [UInt32: EndReason] = [:]
  /// Where a sweep that has begun goes on.
  var sweepPlace: Int?
  var highestPlace = -1
  var nextUpstream: UInt32 = 0
  var multipleDatagramTrains = 0

  init(_ kind: Scenario.Kind, seed: UInt64) throws {
    dice = Dice(seed: seed)
    scenario = Scenario(kind, &dice)
    core = try RelayCore(scenario.plan, counters: counters, quarantine: Nanoseconds(scenario.quarantine))
    core.upstreamPort = scenario.upstreamPort
    core.broadcastAddresses = scenario.broadcastAddresses
    reference = ReferenceRelay(scenario)
    now = scenario.start
  }

  var instant: Instant { Instant(nanoseconds: now) }

  /// Lives through the whole scenario.
  ///
  /// - Throws: `Divergence`
  func run() throws {
    while steps < scenario.steps {
      try step()
      try compare()
    }
  }

  // MARK: Comparing

  private func compare() throws {
    for reason in DropReason.allCases where counters.dropped(reason) != reference.drops[reason.rawValue] {
      throw Divergence("dropped \(reason): \(counters.dropped(reason)), not \(reference.drops[reason.rawValue])")
    }
    for reason in EndReason.allCases where counters.ended(reason) != reference.ends[reason.rawValue] {
      throw Divergence("ended \(reason): \(counters.ended(reason)), not \(reference.ends[reason.rawValue])")
    }
    try expect(core.sessionCount, reference.sessions.count, "sessions")
    try expect(counters.sessions, UInt64(reference.sessions.count), "sessions counted")
    try expect(counters.sessionsCreated, UInt64(reference.created), "sessions created")
    try expect(core.nextExpiry?.nanoseconds, reference.nextExpiry, "next expiry")
    try expect(Array(core.endedUpstreams), reference.endedUpstreams, "ended upstreams")
    if dice.percent(50) {
      try expect(core.takeRefusalForRoom(), reference.refusalForRoom, "refusal for room")
      reference.refusalForRoom = nil
    }
    if !reference.endedUpstreams.isEmpty, dice.percent(50) {
      core.removeEndedUpstreams()
      reference.endedUpstreams = []
    }
  }

  /// Compares the trains of the last batch, datagram by datagram.
  func compare(_ expected: [ReferenceTrain]) throws {
    try expect(core.trains.count, expected.count, "trains")
    for number in expected.indices {
      let train = core.trains[number]
      let other = expected[number]
      try expect(train.listener.number, other.listener, "train's listener")
      try expect(train.client, other.client, "train's client")
      try expect(train.source, other.source, "train's source")
      try expect(train.segmentSize, other.sizes[0], "train's segment size")
      try expect(train.trafficClass, other.trafficClass, "train's traffic class")
      try expect(train.hopLimit, other.hopLimit, "train's hop limit")
      try expect(Int(train.datagrams), other.sizes.count, "train's datagrams")
      try expect(train.bytes, other.sizes.reduce(0, +), "train's bytes")
      try expect(slots(of: train), other.slots, "train's slots")
      try learnPlace(train.session, other.serial)
      if other.sizes.count > 1 { multipleDatagramTrains += 1 }
    }
  }

  private func slots(of train: Train) -> [UInt8] {
    var slots = [train.firstSlot]
    while let slot = slots.last, slot != train.lastSlot, slots.count <= ReceivedMessages.capacity {
      slots.append(core.trains.slot(after: slot))
    }
    return slots
  }

  /// A session keeps its place as long as it lives, and shares it with nobody.
  private func learnPlace(_ place: SessionIndex, _ serial: Int) throws {
    highestPlace = max(highestPlace, Int(place.number))
    guard let index = reference.index(ofSerial: serial) else { return }
    if reference.sessions[index].place == nil {
      guard !reference.sessions.contains(where: { $0.place == place }) else {
        throw Divergence("two sessions in place \(place.number)")
      }
      reference.sessions[index].place = place
    }
    try expect(reference.sessions[index].place, place, "session's place")
  }

  func expect<Value: Equatable>(_ value: Value, _ expected: Value, _ what: @autoclosure () -> String) throws {
    if value != expected { throw Divergence("\(what()): \(value), not \(expected)") }
  }
}
