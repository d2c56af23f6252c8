import EventLoop
import Linux
import Logging
import Relay

/// Writes a line for each session that has ended. Workers hand over what they have; a thread of its own writes, so that a
/// slow disk stops nobody. What it cannot keep up with is left out, and how much that is is told.
final class SessionLog: @unchecked Sendable {
  /// Sessions that wait to be written; some 10 MB.
  private static let room = 65_536
  /// How often what was left out is told, at most.
  private static let period = Nanoseconds.seconds(10)

  private struct Waiting {
    var sessions: [(relay: RelayID, session: SessionEnd)] = []
    var lost: UInt64 = 0
    var destination: Socket?
  }

  private let names: RelayNames
  private let control: LogControl
  private let logger: Logger
  private let waiting = Guarded(Waiting())
  /// The three are there from the first destination on, and set before a worker hears of it.
  private var loop: Loop?
  private var wakeup: Wakeup?
  private var thread: Thread?
  private let isEnding = Guarded(false)
  private var nextComplaint = Instant(nanoseconds: 0)
  private var untold: UInt64 = 0

  init(_ names: RelayNames, _ control: LogControl, _ logger: Logger) {
    self.names = names
    self.control = control
    self.logger = logger
  }

  /// Starts the thread, unless there is one; it sleeps until there is something to write.
  ///
  /// - Throws: EMFILE, ENOMEM, EAGAIN.
  func start() throws(Errno) {
    if thread != nil { return }
    let loop = try Loop()
    wakeup = try Wakeup(loop) { [unowned self] in write() }
    self.loop = loop
    thread = try Thread(named: "session log") { [self] in
      self.loop?.run()
      self.loop?.closeAll()
    }
  }

  /// Where lines go from now on; nil: nowhere.
  func setDestination(_ destination: Socket?) { waiting.withLock { $0.destination = destination } }

  /// Notes sessions that have ended. From any thread; writes nothing.
  func note(_ sessions: [SessionEnd], lost: UInt64, of relay: RelayID) {
    waiting.withLock { waiting in
      let free = max(0, Self.room - waiting.sessions.count)
      waiting.sessions += sessions.prefix(free).map { (relay, $0) }
      waiting.lost += lost + UInt64(max(0, sessions.count - free))
    }
    wakeup?.send()
  }

  /// Writes what is left, tells what was left out and not told yet, and ends the thread.
  func stop() {
    isEnding.withLock { $0 = true }
    wakeup?.send()
    thread?.join()
    thread = nil
    tell()
  }

  // MARK: On its thread

  private func write() {
    let taken = waiting.withLock { waiting in
      defer {
        waiting.sessions = []
        waiting.lost = 0
      }
      return waiting
    }
    untold += taken.lost
    if let destination = taken.destination { write(taken.sessions, to: destination) }
    complain()
    if isEnding.withLock({ $0 }) { loop?.stop() }
  }

  private func write(_ sessions: [(relay: RelayID, session: SessionEnd)], to destination: Socket) {
    let (wall, now, format) = (WallTime.now, Instant.now, control.format.format)
    var bytes: [UInt8] = []
    var count: UInt64 = 0
    func flush() {
      if !destination.write(whole: bytes) { untold += count }
      bytes.removeAll(keepingCapacity: true)
      count = 0
    }
    for (relay, session) in sessions {
      SessionLine(relay: names[relay], session, wall: wall, now: now).append(to: &bytes, format)
      count += 1
      if bytes.count > 1 << 16 { flush() }
    }
    if count > 0 { flush() }
  }

  private func complain() {
    let now = Instant.now
    guard untold > 0, now >= nextComplaint else { return }
    tell()
    nextComplaint = now + Self.period
  }

  private func tell() {
    if untold == 0 { return }
    logger.warning(
      "sessions were left out of the session log: they end faster than it can be written, or it cannot be written at all",
      metadata: ["sessions": "\(untold)"])
    untold = 0
  }
}

/// Hands on what workers meet.
struct WorkerEars: WorkerObserver {
  let troubles: TroubleLog
  let sessions: SessionLog
  let losses: QueueLossLog

  func met(_ trouble: Trouble, in relay: RelayID) { troubles.note(relay, trouble) }

  func lost(_ datagrams: UInt64, at queue: ReceiveQueue, in relay: RelayID) {
    losses.note(datagrams, at: queue, of: relay)
  }

  func ended(_ ends: [SessionEnd], lost: UInt64, in relay: RelayID) { sessions.note(ends, lost: lost, of: relay) }
}
