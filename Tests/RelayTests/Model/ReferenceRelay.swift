import Linux
import Relay

/// The core and the reference model disagree.
struct Divergence: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

struct ReferenceSession {
  let serial: Int
  let client: Endpoint
  let listener: UInt32
  /// Multiplexed: the number of its source address.
  let source: UInt32?
  /// Connected: the number of its socket, once it has one.
  var upstream: UInt32?
  var lastActive: UInt64
  /// Grows with every datagram of any session: the order of last activity.
  var touched: Int
  var isReplied = false
  var replies = 0
  /// Where the core keeps it, learnt from its first train.
  var place: SessionIndex?
}

/// What a relay must do, as plain as can be: an array of sessions, looked through from end to end.
struct ReferenceRelay {
  let plan: RelayPlan
  let scenario: Scenario
  var sessions: [ReferenceSession] = []
  var pool: ReferencePool?
  var isDraining = false
  var endedUpstreams: [UInt32] = []
  var refusalForRoom: DropReason?
  private(set) var drops = [UInt64](repeating: 0, count: DropReason.allCases.count)
  private(set) var ends = [UInt64](repeating: 0, count: EndReason.allCases.count)
  private(set) var created = 0
  private var touches = 0

  init(_ scenario: Scenario) {
    self.scenario = scenario
    plan = scenario.plan
    pool = scenario.sources.map { ReferencePool(count: $0.count, quarantine: scenario.quarantine) }
  }

  func index(ofSerial serial: Int) -> Int? { sessions.firstIndex { $0.serial == serial } }

  // MARK: Batches

  mutating func fromClients(
    _ messages: borrowing ReceivedMessages, from first: Int, on listener: UInt32, now: UInt64,
    _ trains: inout [ReferenceTrain]
  ) throws {
    for slot in first..<messages.count {
      let message = messages[slot]
      if let reason = refusal(of: message, receiverIsIPv4: plan.backend.isIPv4) {
        drop(reason, message)
        continue
      }
      guard let index = try sessionIndex(for: message, listener, now) else { continue }
      touch(index, now)
      trains.add(slot: slot, message, of: sessions[index], hopLimit: handedOn(message.hopLimit))
    }
  }

  mutating func fromBackend(_ messages: borrowing ReceivedMessages, now: UInt64) -> [ReferenceTrain] {
    guard let sources = scenario.sources else { return [] }
    var trains: [ReferenceTrain] = []
    for slot in 0..<messages.count {
      let message = messages[slot]
      let user = sessions.firstIndex { session in
        session.source.map { sources.first + $0 == message.destination } ?? false
      }
      answer(user, slot, message, now, &trains)
    }
    return trains
  }

  mutating func fromBackend(_ messages: borrowing ReceivedMessages, serial: Int, now: UInt64) -> [ReferenceTrain] {
    var trains: [ReferenceTrain] = []
    for slot in 0..<messages.count { answer(index(ofSerial: serial), slot, messages[slot], now, &trains) }
    return trains
  }

  private mutating func answer(
    _ index: Int?, _ slot: Int, _ message: ReceivedMessage, _ now: UInt64, _ trains: inout [ReferenceTrain]
  ) {
    guard let index else { return drop(.lateReply, message) }
    guard message.peer.address == plan.backend, plan.backendPorts.contains(message.peer.port) else {
      return drop(.unexpectedSource, message)
    }
    if let reason = refusal(of: message, receiverIsIPv4: sessions[index].client.address.isIPv4) {
      return drop(reason, message)
    }
    touch(index, now)
    sessions[index].isReplied = true
    sessions[index].replies += message.sizes.count
    trains.add(slot: slot, message, of: sessions[index], hopLimit: 0)
    if plan.ends.responses > 0, sessions[index].replies >= Int(plan.ends.responses) { end(index, .responses, now) }
  }

  // MARK: One datagram

  private func refusal(of message: ReceivedMessage, receiverIsIPv4: Bool) -> DropReason? {
    if message.isTruncated { return .truncated }
    if message.hopLimit == 1 { return .hopLimit }
    if receiverIsIPv4, message.sizes.count == 1, message.length > 65_507 { return .tooLarge }
    return nil
  }

  private func handedOn(_ hopLimit: UInt8) -> UInt8 {
    let ours = scenario.sources == nil ? 64 : 32
    return hopLimit > 0 && Int(hopLimit) - 1 < ours ? hopLimit - 1 : 0
  }

  private mutating func sessionIndex(for message: ReceivedMessage, _ listener: UInt32, _ now: UInt64) throws -> Int? {
    if let index = sessions.firstIndex(where: { $0.client == message.peer && $0.listener == listener }) { return index }
    if let reason = refusal(ofNew: message.peer) {
      drop(reason, message)
      return nil
    }
    let oldest = unreplied.first
    if sessions.count == plan.maxSessions, oldest == nil {
      drop(.tableFull, message)
      refusalForRoom = .tableFull
      return nil
    }
    let source = try pool?.take(for: created, now: now)
    if pool != nil, source == nil {
      drop(.sourcesExhausted, message)
      refusalForRoom = .sourcesExhausted
      return nil
    }
    if sessions.count == plan.maxSessions, let oldest { end(oldest, .evicted, now) }
    sessions.append(
      ReferenceSession(
        serial: created, client: message.peer, listener: listener, source: source, lastActive: now, touched: 0))
    created += 1
    return sessions.count - 1
  }

  private func refusal(ofNew client: Endpoint) -> DropReason? {
    if isDraining { return .draining }
    if client.port == 0 { return .sourcePortZero }
    guard client.address.isIPv4 else { return nil }
    let bits = client.address.v4
    if bits >= 0xf000_0000 || scenario.broadcastAddresses.contains(bits) { return .invalidSource }
    guard let sources = scenario.sources, client.port == scenario.upstreamPort else { return nil }
    return (Int(sources.first)..<Int(sources.first) + sources.count).contains(Int(bits)) ? .ownUpstream : nil
  }

  private mutating func touch(_ index: Int, _ now: UInt64) {
    touches += 1
    sessions[index].touched = touches
    sessions[index].lastActive = now
  }

  private mutating func drop(_ reason: DropReason, _ message: ReceivedMessage) {
    drops[reason.rawValue] += UInt64(message.sizes.count)
  }

  // MARK: The end of sessions

  /// Sessions by last activity, the oldest first.
  private var unreplied: [Int] { byActivity { !$0.isReplied } }
  private var replied: [Int] { byActivity(where: \.isReplied) }

  private func byActivity(where condition: (ReferenceSession) -> Bool) -> [Int] {
    sessions.indices.filter { condition(sessions[$0]) }.sorted { sessions[$0].touched < sessions[$1].touched }
  }

  private func deadline(_ session: ReferenceSession) -> UInt64 {
    session.lastActive + (session.isReplied ? plan.ends.idleTimeout : plan.ends.unrepliedTimeout).count
  }

  var nextExpiry: UInt64? { sessions.map(deadline).min() }

  mutating func expire(now: UInt64, limit: Int) -> Int {
    let due = (unreplied + replied).filter { deadline(sessions[$0]) <= now }.prefix(limit).map { sessions[$0].serial }
    for serial in due {
      guard let index = index(ofSerial: serial) else { continue }
      end(index, sessions[index].isReplied ? .idle : .unreplied, now)
    }
    return due.count
  }

  /// Ends the sessions of listeners that are gone, in places of this range, in the order of the places.
  mutating func sweep(_ places: Range<Int>, gone: [UInt32: EndReason], now: UInt64) {
    for place in places {
      let index = sessions.firstIndex { $0.place.map { Int($0.number) == place } ?? false }
      if let index, let reason = gone[sessions[index].listener] { end(index, reason, now) }
    }
  }

  mutating func end(_ index: Int, _ reason: EndReason, _ now: UInt64) {
    let session = sessions.remove(at: index)
    if let source = session.source { pool?.giveBack(source, now: now) }
    if let upstream = session.upstream { endedUpstreams.append(upstream) }
    ends[reason.rawValue] += 1
  }
}
