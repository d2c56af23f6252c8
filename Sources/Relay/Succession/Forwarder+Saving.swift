import EventLoop
import Linux

// A relay stands still in one process, and goes on in another.
extension Forwarder {
  /// Receives nothing, sends nothing and ends no session until `release()`. What arrives meanwhile waits in the sockets'
  /// queues.
  func hold() {
    isHeld = true
    for listener in listeners { listener?.stop() }
    multiplexed?.stop()
    connected.forEach { $0.stop() }
    housekeeping.hold()
  }

  /// Goes on.
  func release() {
    isHeld = false
    for listener in listeners where listener?.whyGone == nil { listener?.start() }
    multiplexed?.start()
    connected.forEach { $0.start() }
    housekeeping.release(.now)
  }

  // MARK: Saving

  /// Writes what another process needs to go on with this relay's sessions.
  ///
  /// - Parameters:
  ///   - sockets: takes the sessions' own.
  ///   - withSockets: whether sessions that have one go on.
  func save(to file: inout ValueWriter, _ sockets: inout [Socket], withSockets: Bool, now: Instant) {
    var places = ContiguousArray<UInt32?>(repeating: nil, count: listeners.count)
    var saved: [(endpoint: Endpoint, queueDrops: UInt32)] = []
    for case let listener? in listeners where listener.whyGone == nil {
      places[listener.index.position] = UInt32(saved.count)
      saved.append((listener.endpoint, listener.queueDrops.told))
    }
    let heading = SavedRelays.Heading(
      name: core.plan.name, plan: SavedPlan(core.plan), queueDrops: multiplexed?.queueDrops.told ?? 0,
      listeners: saved)
    heading.write(to: &file)
    core.save(to: &file, now: now) {
      places[$0.position]
    } upstream: { number in
      guard withSockets, number != Session.noUpstream, let upstream = connected[number] else { return nil }
      sockets.append(upstream.socket)
      return (UInt32(sockets.count - 1), upstream.queueDrops.told)
    }
  }

  // MARK: Restoring

  /// Whether the sessions of a relay in another process can go on here.
  func canContinue(_ heading: SavedRelays.Heading) -> Bool {
    heading.plan == SavedPlan(core.plan) && (multiplexed == nil || inheritsUpstream)
  }

  /// Goes on with the sessions of a relay in another process; the listeners must be there.
  func restore(
    _ heading: SavedRelays.Heading, from file: inout ValueReader, _ sockets: [Socket], now: Instant
  ) throws(Errno) -> Restored {
    multiplexed?.queueDrops.told = heading.queueDrops
    var indices: [Endpoint: ListenerIndex] = [:]
    for case let listener? in listeners { indices[listener.endpoint] = listener.index }
    let places = heading.listeners.map { indices[$0.endpoint] }
    for (place, listener) in heading.listeners.enumerated() {
      if let index = places[place] { listeners[index.position]?.expectQueueDrops(listener.queueDrops) }
    }
    return try core.restore(from: &file, now: now) { place in
      place < places.count ? places[Int(place)] : nil
    } upstream: { session, saved in
      guard saved.place < sockets.count else { return nil }
      return connect(sockets[Int(saved.place)], session, queueDrops: saved.queueDrops)
    }
  }

  /// The number of a session's own socket that another process has opened.
  private func connect(_ socket: Socket, _ session: SessionIndex, queueDrops: UInt32) -> UInt32? {
    guard let upstream = try? ConnectedUpstream(loop, taking: socket, session: session, forwarder: self) else {
      return nil
    }
    upstream.queueDrops.told = queueDrops
    return connected.add(upstream)
  }
}
