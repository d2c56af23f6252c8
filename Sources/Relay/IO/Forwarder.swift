import EventLoop
import Linux

/// One relay in one worker: the thin I/O shell around its core. Receive, hand over, send, count.
final class Forwarder {
  /// A readable callback takes so many batches at most, then lets the others have their turn: 256 datagrams are about a
  /// millisecond of work.
  static let batchesPerTurn = 4

  let plan: RelayPlan
  let counters: RelayCounters
  let loop: Loop
  let bench: Workbench
  let refusals: Refusals
  var core: RelayCore
  var listeners: ContiguousArray<Listener?> = []
  /// Where in `listeners` there is none.
  var vacantPlaces: [Int] = []
  var connected = ConnectedUpstreams()
  private(set) var multiplexed: MultiplexedUpstream?
  private(set) var housekeeping: Housekeeping?

  init(
    _ loop: Loop, _ plan: RelayPlan, counters: RelayCounters, bench: Workbench,
    report: @escaping @Sendable (Trouble) -> Void
  ) throws(Errno) {
    self.plan = plan
    self.counters = counters
    self.loop = loop
    self.bench = bench
    refusals = Refusals(counters, report)
    core = try RelayCore(plan, counters: counters)
    if case .multiplexed(let range) = plan.upstream {
      let upstream = try MultiplexedUpstream(loop, plan, sources: range, forwarder: self)
      core.upstreamPort = upstream.port
      multiplexed = upstream
      upstream.start()
    }
    housekeeping = try Housekeeping(loop, self)
  }

  // MARK: Client to backend

  /// Takes what waits at a listener and sends it on.
  func receiveRequests(from listener: Listener) {
    let now = Instant.now
    turn(listener.socket.descriptor, .toClient) {
      listener.note(queueDrops: bench.received.queueDrops)
      guard listener.state == .serving else { return dropAll(.addressRemoved) }
      core.receiveFromClients(bench.received.messages, on: listener.index, now: now)
      sendToBackend(from: listener, now: now)
    }
    finish(now)
  }

  private func sendToBackend(from listener: Listener, now: Instant) {
    if let upstream = multiplexed {
      let job = TrainSender.Job(
        destination: .multiplexed(listener.backend, firstSource: upstream.firstSource), now: now, refusals: refusals)
      let tally = bench.sender.send(
        Selection(all: core.trains), of: core.trains, from: bench.received, on: &upstream.sending, job)
      listener.counters.sent(.toBackend, datagrams: tally.datagrams, bytes: tally.bytes)
    } else {
      for number in 0..<core.trains.count { sendConnected(number, from: listener, now: now) }
    }
  }

  private func sendConnected(_ number: Int, from listener: Listener, now: Instant) {
    let train = core.trains[number]
    // Its session may have had to make room for a later one of the same batch, or have got no socket for an earlier train.
    if let reason = core.loss(of: train) { return counters.drop(reason, train.datagrams) }
    guard let upstream = upstream(of: train, listener: listener, now: now) else {
      return counters.drop(.upstreamUnavailable, train.datagrams)
    }
    let job = TrainSender.Job(destination: .connected, now: now, refusals: refusals)
    let tally = bench.sender.send(
      Selection(number), of: core.trains, from: bench.received, on: &upstream.sending, job)
    listener.counters.sent(.toBackend, datagrams: tally.datagrams, bytes: tally.bytes)
  }

  /// The socket of a train's session, opened now if it is the session's first.
  private func upstream(of train: Train, listener: Listener, now: Instant) -> ConnectedUpstream? {
    if let number = core.upstream(of: train) { return connected[number] }
    do throws(Errno) {
      let upstream = try ConnectedUpstream(
        loop, to: listener.backend, session: train.session, now: now, forwarder: self)
      core.setUpstream(connected.add(upstream), of: train)
      upstream.start()
      return upstream
    } catch {
      core.fail(train, now: now)
      refusals.report(.upstreamUnavailable(error))
      return nil
    }
  }

  // MARK: Backend to client

  /// Takes what waits at the multiplexing upstream and sends it on.
  func receiveReplies(from upstream: MultiplexedUpstream) {
    let now = Instant.now
    turn(upstream.socket.descriptor, .toBackend) {
      counters.lostInUpstreamQueue(upstream.queueDrops.new(bench.received.queueDrops))
      core.receiveFromBackend(bench.received.messages, now: now)
      sendToClients(now: now)
    }
    finish(now)
  }

  /// Takes what waits at a session's own socket and sends it on.
  func receiveReplies(from upstream: ConnectedUpstream) {
    let now = Instant.now
    turn(upstream.socket.descriptor, .toBackend) {
      counters.lostInUpstreamQueue(upstream.queueDrops.new(bench.received.queueDrops))
      guard !upstream.isClosing else { return dropAll(.lateReply) }
      core.receiveFromBackend(bench.received.messages, for: upstream.session, now: now)
      sendToClients(now: now)
    }
    finish(now)
  }

  /// Sends the trains, listener by listener, in the order in which each listener first occurs.
  private func sendToClients(now: Instant) {
    var waiting = Selection(all: core.trains)
    while waiting.count > 0 {
      let listener = core.trains[waiting[0]].listener
      var chosen = Selection()
      var others = Selection()
      for member in 0..<waiting.count {
        if core.trains[waiting[member]].listener == listener {
          chosen.append(waiting[member])
        } else {
          others.append(waiting[member])
        }
      }
      send(chosen, to: listener, now: now)
      waiting = others
    }
  }

  private func send(_ chosen: Selection, to index: ListenerIndex, now: Instant) {
    guard let listener = listeners[index.position], listener.state == .serving else {
      for member in 0..<chosen.count { counters.drop(.addressRemoved, core.trains[chosen[member]].datagrams) }
      return
    }
    let job = TrainSender.Job(destination: .clients, now: now, refusals: refusals)
    let tally = bench.sender.send(chosen, of: core.trains, from: bench.received, on: &listener.sending, job)
    listener.counters.sent(.toClient, datagrams: tally.datagrams, bytes: tally.bytes)
  }

  // MARK: One turn

  /// Receives batch after batch until the socket is empty or the turn is over.
  @inline(__always)
  private func turn(_ descriptor: Int32, _ told: Direction, _ take: () -> Void) {
    for _ in 0..<Self.batchesPerTurn {
      do throws(Errno) {
        let count = try bench.received.receive(from: descriptor)
        take()
        if count < ReceivedMessages.capacity { return }
      } catch {
        if error == .again { return }
        // A pending ICMP error comes before the data that waits behind it.
        refusals.tell(told, error)
      }
    }
  }

  private func finish(_ now: Instant) {
    closeEndedUpstreams()
    if let reason = core.takeRefusalForRoom() { refusals.report(.newClientRefused(reason)) }
    housekeeping?.expectExpiry(now)
    bench.busyPoll?.prolong(from: now)
  }

  /// Closes the sockets of sessions that have ended. Not earlier: a train of this batch may still have been on its way.
  func closeEndedUpstreams() {
    if core.endedUpstreams.isEmpty { return }
    for number in core.endedUpstreams { connected.close(number) }
    core.removeEndedUpstreams()
  }

  private func dropAll(_ reason: DropReason) {
    for slot in 0..<bench.received.messages.count {
      counters.drop(reason, bench.received.messages[slot].datagrams)
    }
  }
}

/// What all forwarders of a worker share: room for one batch, since a batch is sent on before the next one is received.
final class Workbench {
  var received: ReceiveBatch
  var sender = TrainSender()
  /// Nil when the worker sleeps as soon as there is nothing to do.
  let busyPoll: BusyPoll?

  init(_ loop: Loop, busyPoll span: Nanoseconds) throws(Errno) {
    received = try ReceiveBatch()
    busyPoll = span.count > 0 ? try BusyPoll(loop, for: span) : nil
  }
}
