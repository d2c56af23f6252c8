package import Linux

/// The sans-I/O heart of a relay in one worker: given a received batch and a clock reading, it answers with what to send
/// where. It makes no system call, and nothing in it allocates after `init`.
///
/// The answer lies in `trains`, valid until the next batch.
package struct RelayCore: ~Copyable {
  let plan: RelayPlan
  package let counters: RelayCounters
  package private(set) var trains = Trains()
  var table: SessionTable
  var unreplied = RecencyList()
  var replied = RecencyList()
  /// The addresses that a multiplexing upstream sends from; nil for a connected one.
  let sourceRange: SourceRange?
  /// Which session has which of them.
  var sources: SourcePool
  /// The multiplexing upstream's own port: a datagram from one of its addresses and this port is our own.
  package var upstreamPort: UInt16 = 0
  /// No new sessions any more.
  package var isDraining = false
  /// Broadcast addresses of our interfaces: as a source they are nobody.
  package var broadcastAddresses: Set<UInt32> = []
  /// The I/O shell's numbers of sockets whose sessions have ended, to be closed after the batch was sent. Connected only.
  package private(set) var endedUpstreams: ContiguousArray<UInt32> = []

  /// Makes the core of a relay.
  ///
  /// - Parameter quarantine: how long a source address stays unused after its session.
  /// - Throws: ENOMEM.
  package init(_ plan: RelayPlan, counters: RelayCounters, quarantine: Nanoseconds = SourcePool.standardQuarantine)
    throws(Errno)
  {
    let range = if case .multiplexed(let range) = plan.upstream { range } else { nil as SourceRange? }
    let table = try SessionTable(capacity: plan.maxSessions)
    let sources = try SourcePool(count: range?.count ?? 1, quarantine: quarantine)
    self.plan = plan
    self.counters = counters
    self.table = table
    self.sources = sources
    sourceRange = range
    endedUpstreams.reserveCapacity(ReceivedMessages.capacity)
  }

  /// A new client was refused for want of room since this was last asked; for the log.
  private var refusalForRoom: DropReason?

  /// Why a new client was refused for want of room, if one was, since this was last asked.
  package mutating func takeRefusalForRoom() -> DropReason? {
    guard refusalForRoom != nil else { return nil }
    defer { refusalForRoom = nil }
    return refusalForRoom
  }

  /// How many sessions there are.
  package var sessionCount: Int { table.count }

  // MARK: Batches

  /// Takes a batch that a listener received and makes trains towards the backend of it.
  package mutating func receiveFromClients(
    _ messages: borrowing ReceivedMessages, on listener: ListenerIndex, now: Instant
  ) {
    trains.removeAll()
    for slot in 0..<messages.count {
      let message = messages[slot]
      let hopLimit = handedOnHopLimit(message)
      if let reason = refusal(of: message, towardsIPv4: plan.backend.isIPv4) {
        counters.drop(reason, message.datagrams)
      } else if let index = findOrBegin(message, on: listener, now: now) {
        table[index].toBackend.add(message)
        refresh(index, now: now)
        trains.add(slot: slot, message, to: &table[index], at: index, hopLimit: hopLimit)
      }
    }
  }

  /// Takes a batch that the multiplexing upstream received and makes trains towards the clients of it.
  package mutating func receiveFromBackend(_ messages: borrowing ReceivedMessages, now: Instant) {
    trains.removeAll()
    for slot in 0..<messages.count {
      let message = messages[slot]
      if let index = session(askedFrom: message.destination) {
        answer(index, message, slot: slot, now: now)
      } else {
        counters.drop(.lateReply, message.datagrams)
      }
    }
  }

  /// Takes a batch that the connected socket of one session received.
  package mutating func receiveFromBackend(
    _ messages: borrowing ReceivedMessages, for index: SessionIndex, now: Instant
  ) {
    trains.removeAll()
    for slot in 0..<messages.count {
      let message = messages[slot]
      if table[index].state == .free {
        counters.drop(.lateReply, message.datagrams)
      } else {
        answer(index, message, slot: slot, now: now)
      }
    }
  }

  // MARK: Connected upstream

  /// The socket of a train's session: the I/O shell's number, or nil when the session has none yet.
  package func upstream(of train: Train) -> UInt32? {
    let number = table[train.session].upstream
    return number == Session.noUpstream ? nil : number
  }

  /// Why a train towards the backend must not leave any more: its session has ended within the batch. Nil when it has not.
  ///
  /// To be asked in the order of the trains. A session that made room for another has lost its place to that one; a session
  /// that got no socket has left its place empty.
  package func loss(of train: Train) -> DropReason? {
    let session = table[train.session]
    if session.state == .free { return .upstreamUnavailable }
    return session.generation == train.generation ? nil : .tableFull
  }

  /// Gives a session its socket.
  package mutating func setUpstream(_ number: UInt32, of train: Train) { table[train.session].upstream = number }

  /// Ends a session that got no socket.
  package mutating func fail(_ train: Train, now: Instant) { end(train.session, .upstreamUnavailable, now: now) }

  /// The I/O shell has closed the sockets of ended sessions.
  package mutating func removeEndedUpstreams() { endedUpstreams.removeAll(keepingCapacity: true) }
}

extension RelayCore {
  // MARK: Steps

  /// Why a datagram must not pass, whichever way it goes.
  @inline(__always)
  private func refusal(of message: ReceivedMessage, towardsIPv4: Bool) -> DropReason? {
    if message.isTruncated { return .truncated }
    if message.hopLimit == 1 { return .hopLimit }
    // A train is cut up again by whoever refuses it whole; only a single datagram can be too long.
    if towardsIPv4, message.length > Self.largestIPv4Payload, message.datagrams == 1 { return .tooLarge }
    return nil
  }

  /// 65,535 less an IPv4 and a UDP header.
  private static let largestIPv4Payload: Int32 = 65_507

  /// One less than it arrived with, so that a loop of relays dies; 0 when the socket's own value does that already.
  @inline(__always)
  private func handedOnHopLimit(_ message: ReceivedMessage) -> UInt8 {
    guard message.hopLimit > 1 else { return 0 }
    let usual = sourceRange == nil ? Socket.connectedHopLimit : Socket.multiplexedHopLimit
    let reduced = message.hopLimit &- 1
    return reduced >= usual ? 0 : reduced
  }

  @inline(__always)
  private mutating func findOrBegin(
    _ message: ReceivedMessage, on listener: ListenerIndex, now: Instant
  ) -> SessionIndex? {
    let hash = SessionTable.hash(listener, message.peer)
    if let index = table.find(listener, message.peer, hash: hash) { return index }
    switch begin(message.peer, on: listener, hash: hash, now: now) {
    case .success(let index): return index
    case .failure(let refusal):
      counters.drop(refusal.reason, message.datagrams)
      if refusal.reason == .tableFull || refusal.reason == .sourcesExhausted { refusalForRoom = refusal.reason }
      return nil
    }
  }

  private struct Refusal: Error { let reason: DropReason }

  private mutating func begin(
    _ client: Endpoint, on listener: ListenerIndex, hash: UInt32, now: Instant
  ) -> Result<SessionIndex, Refusal> {
    if let reason = refusal(ofNew: client) { return .failure(Refusal(reason: reason)) }
    // A session that works is never pushed out: then the new one is refused.
    if table.isFull, unreplied.isEmpty { return .failure(Refusal(reason: .tableFull)) }
    var source = Session.noUpstream
    if sourceRange != nil {
      // Before anyone is evicted: his address would go into quarantine, so the new client would gain nothing by it.
      guard let taken = sources.take(now: now) else { return .failure(Refusal(reason: .sourcesExhausted)) }
      source = taken
    }
    if table.isFull { end(unreplied.oldest, .evicted, now: now) }
    let index = table.insert(listener, client, hash: hash, now: now)
    table[index].upstream = source
    if sourceRange != nil { sources.assign(source, to: index) }
    unreplied.append(index, in: &table)
    counters.begin(sessions: table.count)
    return .success(index)
  }

  /// Whether a client may have a session at all.
  private func refusal(ofNew client: Endpoint) -> DropReason? {
    if isDraining { return .draining }
    if client.port == 0 { return .sourcePortZero }
    guard client.address.isIPv4 else { return nil }
    let bits = client.address.v4
    if bits >> 28 == 0xf || broadcastAddresses.contains(bits) { return .invalidSource }
    if let sourceRange, client.port == upstreamPort, sourceRange.contains(client.address) { return .ownUpstream }
    return nil
  }

  /// The session whose source address a reply was sent to.
  @inline(__always)
  private func session(askedFrom destination: UInt32) -> SessionIndex? {
    guard let sourceRange, destination >= sourceRange.first else { return nil }
    return sources.session(of: destination &- sourceRange.first)
  }

  @inline(__always)
  private mutating func answer(_ index: SessionIndex, _ message: ReceivedMessage, slot: Int, now: Instant) {
    guard isBackend(message.peer) else { return counters.drop(.unexpectedSource, message.datagrams) }
    if let reason = refusal(of: message, towardsIPv4: table[index].client.address.isIPv4) {
      return counters.drop(reason, message.datagrams)
    }
    table[index].toClient.add(message)
    table[index].replies &+= UInt32(message.datagrams)
    if table[index].state == .unreplied {
      unreplied.remove(index, in: &table)
      replied.append(index, in: &table)
      table[index].state = .replied
    }
    refresh(index, now: now)
    trains.add(slot: slot, message, to: &table[index], at: index, hopLimit: 0)
    if plan.responses > 0, table[index].replies >= plan.responses { end(index, .responses, now: now) }
  }

  @inline(__always)
  private func isBackend(_ peer: Endpoint) -> Bool {
    peer.address == plan.backend && plan.backendPorts.contains(peer.port)
  }

  @inline(__always)
  private mutating func refresh(_ index: SessionIndex, now: Instant) {
    table[index].lastActive = now
    if table[index].state == .replied {
      replied.moveToNewest(index, in: &table)
    } else {
      unreplied.moveToNewest(index, in: &table)
    }
  }

  mutating func end(_ index: SessionIndex, _ reason: EndReason, now: Instant) {
    let session = table[index]
    if session.state == .replied {
      replied.remove(index, in: &table)
    } else {
      unreplied.remove(index, in: &table)
    }
    if session.upstream != Session.noUpstream {
      if sourceRange != nil {
        sources.giveBack(session.upstream, now: now)
      } else {
        endedUpstreams.append(session.upstream)
      }
    }
    table.remove(index)
    counters.end(reason, sessions: table.count)
  }
}
