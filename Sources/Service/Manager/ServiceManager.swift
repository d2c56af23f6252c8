import EventLoop
import Linux
import Logging

/// Tells the service manager that has started us how things stand (sd_notify(3)), if there is one that wants to know.
///
/// That it cannot be told is no reason to stop, and worth one line of the log, and no more.
final class ServiceManager {
  private let socket: NotifySocket?
  private let logger: Logger
  private let watchdog: Nanoseconds?
  private var heartbeat: Heartbeat?
  /// What the end takes beside the drain: the workers' last turn, the rest of the session log.
  private static let farewell = Nanoseconds.seconds(5)
  private var isLost = false
  private var lastStatus: String?
  private var isReloading = false

  /// What it is told at every turn of the watchdog, and whenever `tellStatus` is called: one line.
  var status: () -> String = { "" }

  init(_ variables: ManagerVariables, _ logger: Logger) {
    self.logger = logger
    watchdog = variables.watchdog
    guard let address = variables.notifySocket else {
      socket = nil
      return
    }
    do throws(Errno) {
      socket = try NotifySocket(address)
    } catch {
      socket = nil
      warn(error)
    }
  }

  // MARK: What it is told

  /// Everything that can serve serves.
  func ready() {
    isReloading = false
    tell(["READY=1", statusLine])
  }

  /// Begins to show the watchdog, if there is one, that the workers make progress.
  ///
  /// - Throws: EMFILE, ENOMEM.
  func watch(_ crew: WorkerCrew, on loop: Loop) throws(Errno) {
    guard socket != nil, let watchdog else { return }
    heartbeat = try Heartbeat(loop, crew.workers, period: watchdog) { [unowned self] in
      self.tell(["WATCHDOG=1"])
      self.tellStatus()
    }
    heartbeat?.start()
  }

  /// The configuration is being read again; `ready()` must follow, whatever comes of it. The time is what a manager knows by
  /// that the reload is the one that it has asked for.
  func reloading() {
    isReloading = true
    tell(["RELOADING=1", "MONOTONIC_USEC=\(Instant.now.nanoseconds / 1_000)", "STATUS=reading the configuration again"])
  }

  /// The end has begun, which takes so long at most. A manager's own patience may be shorter.
  func stopping(within limit: Nanoseconds) {
    let limit = limit.count + Self.farewell.count
    tell(["STOPPING=1", "EXTEND_TIMEOUT_USEC=\(limit / 1_000)", statusLine])
  }

  /// Another process goes on in place of this one, which is about to end.
  func handedOver(to processID: Int32) { tell(["MAINPID=\(processID)"]) }

  /// Leaves descriptors with it for the next process, and waits until it has them. They are found in the same order.
  ///
  /// - Throws: as `NotifySocket`; EPIPE where nobody keeps any.
  func store(_ sockets: [Socket]) throws(Errno) {
    guard let socket else { throw .brokenPipe }
    let end = Instant.now + Self.farewell
    let names = sockets.indices.map { ManagerVariables.name(leftBy: ProcessIdentity.own, $0) }
    do throws(Errno) {
      for (name, stored) in zip(names, sockets) {
        // It must not look after them: a UDP socket on which an ICMP error waits would be thrown away.
        try send("FDSTORE=1\nFDPOLL=0\nFDNAME=\(name)", stored, on: socket, until: end)
      }
      try socket.waitUntilRead(within: end - .now)
    } catch {
      // A part of it is of use to nobody.
      forget(names)
      throw error
    }
  }

  /// The manager may have other things to do for a while.
  private func send(
    _ text: String, _ attached: Socket, on socket: NotifySocket, until end: Instant
  ) throws(Errno) {
    while true {
      do throws(Errno) { return try socket.send(text, attached) } catch {
        if error != .again || Instant.now >= end { throw error }
      }
    }
  }

  /// Has it forget descriptors that were left with it.
  func forget(_ names: [String]) { for name in names { tell(["FDSTOREREMOVE=1\nFDNAME=\(name)"]) } }

  /// Says the status if it is another than the last one. During a reload it comes when that is done.
  func tellStatus() {
    if isReloading { return }
    let line = statusLine
    if line != lastStatus { tell([line]) }
  }

  private var statusLine: String { "STATUS=\(status())" }

  private func tell(_ lines: [String]) {
    guard let socket else { return }
    lastStatus = lines.last { $0.hasPrefix("STATUS=") } ?? lastStatus
    do throws(Errno) { try socket.send(lines.joined(separator: "\n")) } catch { warn(error) }
  }

  private func warn(_ error: Errno) {
    if isLost { return }
    isLost = true
    logger.warning("the service manager cannot be told how things stand", metadata: ["error": "\(error)"])
  }
}
