import EventLoop
import Linux

/// One relay in one worker: the thin I/O shell around its core. Receive, hand over, send, count.
final class Forwarder {
  /// A readable callback takes so many batches at most, then lets the others have their turn: 256 datagrams are about a
  /// millisecond of work.
  static let batchesPerTurn = 4

  let id: RelayID
  let counters: RelayCounters
  let loop: Loop
  let bench: Workbench
  let refusals: Refusals
  private let observer: any WorkerObserver
  var core: RelayCore
  var listeners: ContiguousArray<Listener?> = []
  /// Where in `listeners` there is none.
  var vacantPlaces: [Int] = []
  var connected = ConnectedUpstreams()
  // Constants: what may change is retained for each call.
  let multiplexed: MultiplexedUpstream?
  let housekeeping: Housekeeping
  /// What the receive queues of sessions' own sockets hold; nil leaves them as they are. Not read from the core, which may be
  /// at work when one is opened.
  let receiveQueue: Int?
  /// Whether the multiplexing upstream's socket was another process's.
  let inheritsUpstream: Bool
  /// Whether nothing is received for now.
  var isHeld: Bool
  /// Whether it has ended, and nothing calls it any more.
  private(set) var hasLeft = false
  /// Called when it has; set while it is about to.
  private var whenLeft: (() -> Void)?

  init(
    _ loop: Loop, _ plan: RelayPlan, _ id: RelayID, counters: RelayCounters, bench: Workbench,
    observer: any WorkerObserver, upstream: Socket? = nil, isHeld: Bool = false
  ) throws(Errno) {
    self.id = id
    self.isHeld = isHeld
    receiveQueue = plan.receiveQueue
    inheritsUpstream = upstream != nil
    self.observer = observer
    self.counters = counters
    self.loop = loop
    self.bench = bench
    refusals = Refusals(counters) { observer.met($0, in: id) }
    core = try RelayCore(plan, counters: counters)
    housekeeping = try Housekeeping(loop)
    multiplexed =
      if case .multiplexed(let range) = plan.upstream {
        try MultiplexedUpstream(loop, plan, sources: range, inherited: upstream)
      } else {
        nil
      }
    housekeeping.begin(for: self)
    multiplexed?.begin(for: self)
    if let multiplexed { core.upstreamPort = multiplexed.port }
  }

  // MARK: The end

  /// Ends every session, in small steps, and closes all that is open; the listeners must be closed.
  func leave(then whenLeft: @escaping () -> Void) {
    bench.gathering.flush()
    core.isDraining = true
    self.whenLeft = whenLeft
    housekeeping.beginSweep()
  }

  /// No session points to a listener that is closed.
  func sweepIsOver() {
    guard let whenLeft, core.sessionCount == 0 else { return }
    multiplexed?.close()
    housekeeping.close()
    hasLeft = true
    self.whenLeft = nil
    whenLeft()
  }

  // MARK: One turn

  /// Receives batch after batch until the socket is empty or the turn is over. What was gathered before leaves first: the
  /// workbench has room for one batch.
  @inline(__always)
  func turn(_ descriptor: Int32, _ told: Direction, _ take: () -> Void, failed: (Errno) -> Void = { _ in }) {
    bench.gathering.flush()
    for _ in 0..<Self.batchesPerTurn {
      do throws(Errno) {
        let count = try bench.received.receive(from: descriptor)
        take()
        if count < ReceivedMessages.capacity { return }
      } catch {
        if error == .again { return }
        // A pending ICMP error comes before the data that waits behind it.
        refusals.tell(told, error)
        failed(error)
      }
    }
  }

  func finish(_ now: Instant) {
    noteEnds()
    if let reason = core.takeRefusalForRoom() { refusals.report(.newClientRefused(reason)) }
    housekeeping.expectExpiry(now)
    bench.busyPoll?.prolong(from: now)
  }

  /// Draws the consequences of sessions that have ended.
  func noteEnds() {
    closeEndedUpstreams()
    if !core.endedSessions.all.isEmpty { tellOfEndedSessions() }
  }

  /// Out of line: most batches end none, and mostly nobody wants to know.
  @inline(never)
  private func tellOfEndedSessions() {
    let ends = core.endedSessions.all.map { session in
      SessionEnd(session, asked: listeners[session.listener.position]?.endpoint ?? Endpoint(.anyIPv4, 0))
    }
    observer.ended(ends, lost: core.endedSessions.lost, in: id)
    core.endedSessions.removeAll()
  }

  /// A receive queue was full.
  func tellOfLoss(_ datagrams: UInt64, at queue: ReceiveQueue) { observer.lost(datagrams, at: queue, in: id) }

  /// Closes the sockets of sessions that have ended. Not earlier: a train of this batch may still have been on its way.
  private func closeEndedUpstreams() {
    if core.endedUpstreams.isEmpty { return }
    for number in core.endedUpstreams { connected.close(number) }
    core.removeEndedUpstreams()
  }

  func dropAll(_ reason: DropReason, since first: Int = 0) {
    for slot in first..<bench.received.messages.count {
      counters.drop(reason, bench.received.messages[slot].datagrams)
    }
  }
}

/// What all forwarders of a worker share: room for one batch, received from one socket or gathered from several listeners,
/// and always sent on before it is used for the next.
final class Workbench {
  var received: ReceiveBatch
  var sender = TrainSender()
  let gathering: Gathering
  /// Nil when the worker sleeps as soon as there is nothing to do.
  let busyPoll: BusyPoll?

  init(_ loop: Loop, busyPoll span: Nanoseconds) throws(Errno) {
    received = try ReceiveBatch()
    gathering = try Gathering(loop)
    busyPoll = span.count > 0 ? try BusyPoll(loop, for: span) : nil
    gathering.start()
  }
}
