import EventLoop
public import Linux

/// One thread, one event loop, its own listeners, sessions and upstreams. Nothing is shared between workers.
///
/// Every method may be called from any thread; what it asks for happens on the worker's own, in the order asked.
public final class Worker: @unchecked Sendable {
  private enum Command: Sendable {
    case prepare(RelayID, RelayPlan, RelayCounters, Socket?, Handover<Errno?>)
    case discard(RelayID)
    case begin(RelayID, backends: [ListenerID: Endpoint])
    case change(RelayID, SessionEnds)
    case end(RelayID)
    case open(ListenerID, ListenerOpening, RelayID)
    case suspend(ListenerID)
    case resume(ListenerID)
    case close(ListenerID, EndReason)
    case setBroadcastAddresses(Set<UInt32>)
    case tellOfEndedSessions(Bool)
    case readSessions(RelayID, from: Int, SessionFilter, answer: @Sendable (SessionPage) -> Void)
    case drain
    case answer(@Sendable () -> Void)
    case hold
    case release
    case giveUpstreams(Handover<[RelayID: Socket]>)
    case save(withSockets: Bool, Handover<Result<SavedWorker, Errno>>)
    case restore(SavedWorker, Handover<Result<Restored, Errno>>)
    case stop
    /// A relay that was ended has no sessions any more.
    case bury
  }

  private let loop: Loop
  private let mailbox = Guarded<[Command]>([])
  private var wakeup: Wakeup?
  private var thread: Thread?
  /// Touched by the worker's thread alone, once there is one.
  private var relays: WorkerRelays

  /// Makes a worker.
  ///
  /// - Parameters:
  ///   - busyPoll: for how long it looks for more after each datagram before it sleeps; 0 is not at all.
  ///   - isHeld: whether it stands still until `release()`.
  ///   - observer: hears what it meets.
  /// - Throws: EMFILE or ENOMEM.
  public init(
    busyPoll: Nanoseconds = .zero, isHeld: Bool = false, observer: some WorkerObserver
  ) throws(Errno) {
    let loop = try Loop()
    self.loop = loop
    relays = WorkerRelays(loop, try Workbench(loop, busyPoll: busyPoll), observer, isHeld: isHeld)
    wakeup = try Wakeup(loop) { [unowned self] in self.readMail() }
    relays.haveBuried = { [unowned self] in self.post(.bury) }
  }

  /// Starts the thread.
  ///
  /// - Throws: EAGAIN when a limit on threads is reached.
  public func start(named name: String) throws(Errno) {
    thread = try Thread(named: name) { [self] in
      loop.run()
      loop.closeAll()
    }
  }

  // MARK: Relays

  /// Makes all that a relay needs, upstream socket and tables included, and waits for it: so that a change of several
  /// relays can be given up as a whole. `begin` or `discard` must follow. A relay of this name may already be there.
  ///
  /// - Parameters:
  ///   - counters: where it is counted. Not shared with another worker.
  ///   - upstream: the multiplexing upstream's socket, if another process has left it; nil for one of its own.
  /// - Throws: EMFILE or ENOMEM.
  public func prepare(
    _ id: RelayID, _ plan: RelayPlan, counters: RelayCounters, upstream: Socket? = nil
  ) throws(Errno) {
    let answer = Handover<Errno?>()
    if thread == nil {
      try relays.prepare(id, plan, counters, upstream)
    } else {
      post(.prepare(id, plan, counters, upstream, answer))
      if let error = answer.take() { throw error }
    }
  }

  /// Gives up what was prepared.
  public func discard(_ id: RelayID) { post(.discard(id)) }

  /// Has what was prepared take part. In place of a relay of the same name, it takes over its listeners with all that
  /// waits in their queues, and the sessions end.
  ///
  /// - Parameter backends: where the datagrams of these listeners go from now on.
  public func begin(_ id: RelayID, backends: [ListenerID: Endpoint] = [:]) { post(.begin(id, backends: backends)) }

  /// Changes when a relay's sessions end, those that are there included.
  public func change(_ id: RelayID, _ ends: SessionEnds) { post(.change(id, ends)) }

  /// Ends a relay, whose listeners must have been closed.
  public func end(_ id: RelayID) { post(.end(id)) }

  /// Reads a part of a relay's sessions, a bounded one, so that no datagram waits for long.
  ///
  /// - Parameters:
  ///   - place: where the part before it said that this one begins; 0 for the first.
  ///   - answer: called on the worker's thread. Of a relay that is not there, with nothing.
  public func readSessions(
    of id: RelayID, from place: Int, _ filter: SessionFilter, answer: @escaping @Sendable (SessionPage) -> Void
  ) { post(.readSessions(id, from: place, filter, answer: answer)) }

  // MARK: Listeners

  /// Begins to serve a listener of a relay.
  public func open(_ id: ListenerID, _ opening: ListenerOpening, relay: RelayID) { post(.open(id, opening, relay)) }

  /// A listener's address is gone: nothing is sent from it, its sessions wait.
  public func suspend(_ id: ListenerID) { post(.suspend(id)) }

  /// The address is back.
  public func resume(_ id: ListenerID) { post(.resume(id)) }

  /// Closes a listener and ends its sessions for that reason.
  public func close(_ id: ListenerID, _ reason: EndReason) { post(.close(id, reason)) }

  // MARK: The whole

  /// Tells which addresses are broadcast addresses of this host: nobody can have asked from there.
  public func setBroadcastAddresses(_ addresses: Set<UInt32>) { post(.setBroadcastAddresses(addresses)) }

  /// Whether the observer hears of sessions that end.
  public func tellOfEndedSessions(_ isWanted: Bool) { post(.tellOfEndedSessions(isWanted)) }

  /// Takes no new sessions any more; those that are go on.
  public func drain() { post(.drain) }

  /// Has the worker answer, from its thread, once it has done all that was asked of it before: a sign that it makes progress.
  public func answer(_ answer: @escaping @Sendable () -> Void) { post(.answer(answer)) }

  // MARK: From process to process

  /// Stands still, and with it time for its sessions, until `release()`; what arrives waits in the sockets' queues.
  public func hold() { post(.hold) }

  /// Goes on.
  public func release() { post(.release) }

  /// The sockets of the multiplexing upstreams, for another process to go on with.
  public func upstreams() -> [RelayID: Socket] {
    let answer = Handover<[RelayID: Socket]>()
    post(.giveUpstreams(answer))
    return answer.take()
  }

  /// Writes down every session, for another process to go on with; it must stand still. Begins at once, and takes some
  /// 0.1 us for each.
  ///
  /// - Parameter withSockets: whether sessions that have a socket each go on, too. If not, their ports rest.
  /// - Returns: whence what is written can be had, so that workers can be asked at the same time.
  public func save(withSockets: Bool) -> Handover<Result<SavedWorker, Errno>> {
    let answer = Handover<Result<SavedWorker, Errno>>()
    post(.save(withSockets: withSockets, answer))
    return answer
  }

  /// Goes on with every session that a worker of another process has written down; it must stand still, and have its relays
  /// and listeners.
  ///
  /// - Returns: whence what became of them can be had: EPROTO when they were written by a program that means something else
  ///   by it.
  public func restore(_ saved: SavedWorker) -> Handover<Result<Restored, Errno>> {
    let answer = Handover<Result<Restored, Errno>>()
    post(.restore(saved, answer))
    return answer
  }

  /// Ends the thread and waits for it. Nothing may be asked of the worker afterwards.
  public func stop() {
    post(.stop)
    thread?.join()
    thread = nil
  }

  private func post(_ command: Command) {
    mailbox.withLock { $0.append(command) }
    wakeup?.send()
  }

  // MARK: On the worker's thread

  private func readMail() {
    let commands = mailbox.withLock { mail in
      defer { mail = [] }
      return mail
    }
    for command in commands { obey(command) }
  }

  private func obey(_ command: Command) {
    switch command {
    case .prepare(let id, let plan, let counters, let upstream, let answer):
      do throws(Errno) {
        try relays.prepare(id, plan, counters, upstream)
        answer.give(nil)
      } catch { answer.give(error) }
    case .discard(let id): relays.discard(id)
    case .begin(let id, let backends): relays.begin(id, backends)
    case .change(let id, let ends): relays.change(id, ends)
    case .end(let id): relays.end(id)
    case .open(let id, let opening, let relay): relays.open(id, opening, relay)
    case .suspend(let id): relays.suspend(id)
    case .resume(let id): relays.resume(id)
    case .close(let id, let reason): relays.close(id, reason)
    case .setBroadcastAddresses(let addresses): relays.setBroadcastAddresses(addresses)
    case .tellOfEndedSessions(let isWanted): relays.tellOfEndedSessions(isWanted)
    case .readSessions(let id, let place, let filter, let answer):
      answer(relays.readSessions(of: id, from: place, filter))
    case .drain: relays.drain()
    case .answer(let answer): answer()
    case .hold: relays.hold()
    case .release: relays.release()
    case .giveUpstreams(let answer): answer.give(relays.upstreams)
    case .save(let withSockets, let answer):
      answer.give(Result { () throws(Errno) in try relays.save(withSockets: withSockets) })
    case .restore(let saved, let answer): answer.give(Result { () throws(Errno) in try relays.restore(saved) })
    case .stop: loop.stop()
    case .bury: relays.bury()
    }
  }
}
