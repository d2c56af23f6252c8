import Addresses
import EventLoop
import Linux
import Logging

/// Keeps the listeners in step with the addresses of this host: the roster decides, the crew does, the log tells.
final class ListenerKeeper {
  private let configuration: ProcessConfiguration
  private let crew: WorkerCrew
  private let logger: Logger
  private var limiter = LogLimiter<String>(period: .seconds(1))
  /// Set while one change is carried out and no descriptor is left: the rest of it need not be tried.
  private var exhausted: Errno?
  private(set) var roster = ListenerRoster()
  /// How often the addresses have changed what is served.
  private(set) var addressChanges: UInt64 = 0
  private var timer: Timer?

  init(_ loop: Loop, _ configuration: ProcessConfiguration, _ crew: WorkerCrew, _ logger: Logger) throws(Errno) {
    self.configuration = configuration
    self.crew = crew
    self.logger = logger
    timer = try Timer(loop) { [unowned self] in self.timeHasPassed() }
  }

  // MARK: The start

  /// Opens every listener that this host can have now.
  ///
  /// An address that is not usable yet stays pending, and so do those for which no descriptor is left. A port that someone
  /// else holds, or that we have no right to, is an error: to serve some addresses only would hide it.
  func begin(with snapshot: Snapshot) throws(ConfigurationError) {
    crew.setBroadcastAddresses(snapshot.broadcastAddresses)
    let now = Instant.now
    var report = ChangeReport()
    for action in roster.update(eligible: configuration.listeners(on: snapshot), now: now) {
      guard case .open(let key) = action, let error = open(key, now: now, &report) else { continue }
      switch error {
      case .addressInUse: throw .portInUse(key.endpoint, holder: .blocking(key.endpoint))
      case .accessDenied: throw .noRightToBind(key.endpoint)
      case .tooManyDescriptors where roster.serving.isEmpty: throw .start("cannot listen on \(key.endpoint)", error)
      default: break
      }
    }
    report.logRefusals(to: logger, &limiter, now: now)
    waitForDeadline()
  }

  // MARK: Later

  /// The addresses have changed, or may have become usable.
  func addressesChanged(_ snapshot: Snapshot) {
    crew.setBroadcastAddresses(snapshot.broadcastAddresses)
    perform(roster.update(eligible: configuration.listeners(on: snapshot), now: .now))
  }

  private func timeHasPassed() { perform(roster.due(now: .now)) }

  private func perform(_ actions: [ListenerRoster.Action]) {
    let now = Instant.now
    var report = ChangeReport()
    for action in actions {
      switch action {
      case .open(let key): if open(key, now: now, &report) == nil { report.added.append(key.endpoint) }
      case .suspend(let key):
        crew.suspend(key)
        report.removed.append(key.endpoint)
      case .resume(let key):
        crew.resume(key)
        report.added.append(key.endpoint)
      case .close(let key):
        crew.close(key)
        report.closed.append(key.endpoint)
      }
    }
    addressChanges += UInt64(report.added.count + report.removed.count)
    report.log(to: logger, &limiter, now: now)
    waitForDeadline()
  }

  private func open(_ key: ListenerKey, now: Instant, _ report: inout ChangeReport) -> Errno? {
    do throws(Errno) {
      if let exhausted { throw exhausted }
      try crew.open(key)
      roster.opened(key)
      return nil
    } catch {
      if error == .tooManyDescriptors || error == .tooManyFiles { exhausted = error }
      if roster.failed(key, error, now: now) { report.refused[error, default: []].append(key.endpoint) }
      return error
    }
  }

  private func waitForDeadline() {
    exhausted = nil
    guard let deadline = roster.nextDeadline else {
      timer?.stop()
      return
    }
    timer?.start(after: max(deadline - .now, .milliseconds(1)))
  }
}

/// What one change of the addresses came to, in as few lines as will do.
private struct ChangeReport {
  var added: [Endpoint] = []
  var removed: [Endpoint] = []
  var closed: [Endpoint] = []
  /// What could not be opened, by the reason; each listener once a reason.
  var refused: [Errno: [Endpoint]] = [:]

  func log(to logger: Logger, _ limiter: inout LogLimiter<String>, now: Instant) {
    say("listening again or anew", added, logger, &limiter, now)
    say("address is gone; its sessions wait for it", removed, logger, &limiter, now)
    say("address did not come back; its sessions have ended", closed, logger, &limiter, now)
    logRefusals(to: logger, &limiter, now: now)
  }

  func logRefusals(to logger: Logger, _ limiter: inout LogLimiter<String>, now: Instant) {
    for (error, endpoints) in refused {
      guard let first = endpoints.first, case .write(let before) = limiter.note("open \(error.name)", at: now) else {
        continue
      }
      var metadata: Logger.Metadata = ["addresses": "\(EndpointList(endpoints))", "error": "\(error)"]
      if error == .addressInUse, let process = PortHolder.blocking(first)?.process {
        metadata["holder"] = "\(process.name) (pid \(process.id))"
      }
      if before > 0 { metadata["lines_suppressed"] = "\(before)" }
      logger.log(level: error == .addressNotAvailable ? .info : .error, Self.reason(error), metadata: metadata)
    }
  }

  private static func reason(_ error: Errno) -> Logger.Message {
    switch error {
    case .addressNotAvailable: "address is not usable yet: duplicate address detection is running, or has failed"
    case .tooManyDescriptors, .tooManyFiles:
      "no descriptor left for these listeners; raise the limit on open files (ulimit -Hn, or LimitNOFILE= in the unit)"
    case .addressInUse: "another process holds an address and port that we want"
    default: "cannot listen"
    }
  }

  private func say(
    _ what: String, _ endpoints: [Endpoint], _ logger: Logger, _ limiter: inout LogLimiter<String>, _ now: Instant
  ) {
    guard !endpoints.isEmpty else { return }
    guard case .write(let before) = limiter.note(what, at: now) else { return }
    var metadata: Logger.Metadata = ["addresses": "\(EndpointList(endpoints))"]
    if before > 0 { metadata["lines_suppressed"] = "\(before)" }
    logger.info("\(what)", metadata: metadata)
  }
}

/// Some endpoints as text: the first few, and how many more.
struct EndpointList: CustomStringConvertible {
  private static let shown = 8
  let description: String

  init(_ endpoints: [Endpoint]) {
    let first = endpoints.prefix(Self.shown).map(\.description).joined(separator: ", ")
    let more = endpoints.count - Self.shown
    description = more > 0 ? "\(first) and \(more) more" : first
  }
}
