package import Linux

/// The sans-I/O heart of a relay in one worker: given a received batch and a clock reading, it answers with what to send
/// where. It makes no system call, and nothing in it allocates after `init`.
///
/// The answer lies in `trains`, valid until the next batch.
package struct RelayCore: ~Copyable {
  let plan: RelayPlan
  /// When sessions end; from one batch to the next it may be another time.
  package var ends: SessionEnds
  package let counters: RelayCounters
  package internal(set) var trains = Trains()
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
  package internal(set) var endedUpstreams: ContiguousArray<UInt32> = []

  /// Sessions that have ended, for the session log.
  package var endedSessions = EndedSessions()

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
    ends = plan.ends
    self.counters = counters
    self.table = table
    self.sources = sources
    sourceRange = range
    endedUpstreams.reserveCapacity(Self.mostEndedAtOnce)
  }

  /// A turn of four batches may evict so many sessions, and a step of housekeeping end so many.
  private static let mostEndedAtOnce = 256

  /// Which of the backend's ports belongs to a listener, by its place. Only where there are several.
  private(set) var backendPorts: ContiguousArray<UInt16> = []

  /// Says to which of the backend's ports a listener's datagrams go: only from there may replies to them come. As long as
  /// nobody says so, any of the backend's ports may reply.
  package mutating func setBackendPort(_ port: UInt16, of listener: ListenerIndex) {
    while backendPorts.count <= listener.position { backendPorts.append(port) }
    backendPorts[listener.position] = port
  }

  /// A new client was refused for want of room since this was last asked; for the log.
  var refusalForRoom: DropReason?

  /// Why a new client was refused for want of room, if one was, since this was last asked.
  package mutating func takeRefusalForRoom() -> DropReason? {
    guard refusalForRoom != nil else { return nil }
    defer { refusalForRoom = nil }
    return refusalForRoom
  }

  /// How many sessions there are.
  package var sessionCount: Int { table.count }

  // MARK: Batches

  /// Forgets the trains of the last batch.
  package mutating func beginBatch() { trains.removeAll() }

  /// Takes a batch that a listener received and makes trains towards the backend of it.
  package mutating func receiveFromClients(
    _ messages: borrowing ReceivedMessages, on listener: ListenerIndex, now: Instant
  ) {
    beginBatch()
    receiveMoreFromClients(messages, from: 0, on: listener, now: now)
  }

  /// The same for what a listener has added to a batch, from a slot on; the trains of those before it are kept.
  package mutating func receiveMoreFromClients(
    _ messages: borrowing ReceivedMessages, from first: Int, on listener: ListenerIndex, now: Instant
  ) {
    for slot in first..<messages.count {
      let message = messages[slot]
      let hopLimit = handedOnHopLimit(message)
      if let reason = refusal(of: message, towardsIPv4: plan.backend.isIPv4) {
        counters.drop(reason, message.datagrams)
      } else if let index = findOrBegin(message, on: listener, now: now) {
        table[index].noteRequest(message, now: now)
        setAwaiting(true, index)
        refresh(index)
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
