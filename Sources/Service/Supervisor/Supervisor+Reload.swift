import Addresses
import Linux
import Logging
import Relay

/// Another configuration for a process that runs: read and checked as a whole, then everything that may fail is done beside
/// what there is, and only then it takes its place.
extension Supervisor {
  /// Reads the configuration again. When something is wrong with it, or with what it asks for, the old one stays.
  func reload(_ reread: Rereading, on snapshot: Snapshot) {
    if drain != nil { return }
    do throws(ConfigurationFileError) {
      let next = try reread()
      do throws(ConfigurationError) { try change(to: next, on: snapshot) } catch { throw ConfigurationFileError(error) }
      noteReload([])
    } catch {
      noteReload(error.messages)
      for message in error.messages { logger.error("the configuration stays as it was: \(message)") }
    }
  }

  private func change(to given: ProcessConfiguration, on snapshot: Snapshot) throws(ConfigurationError) {
    var next = given
    var identity = nextIdentity
    next.takeIdentities(of: configuration, next: &identity)
    try validate(next, against: snapshot)
    let notes = try notes(on: next.relays)
    let change = ConfigurationChange(from: configuration, to: next, plans)
    let sessions = try openSessionLog(next)
    let servers = try metrics.prepare(next.metrics)
    let listeners = try keeper.prepare(next)
    let counters = try prepare(change)
    nextIdentity = identity
    keeper.change(to: listeners) {
      for relay in change.begun { crew.begin(relay, plans(relay), counters[relay.id] ?? []) }
      for relay in change.kept { crew.change(relay, plans(relay)) }
    }
    for id in change.ended { forget(id) }
    logSessions(to: sessions)
    metrics.change(to: servers)
    // Both are the workers', which go on.
    next.workers = configuration.workers
    next.busyPoll = configuration.busyPoll
    next.receiveBuffer = configuration.receiveBuffer
    next.admin = configuration.admin
    configuration = next
    logControl.change(to: next)
    tell(change, notes)
  }

  /// What the kernel says of them that someone should be told.
  func notes(on relays: [RelayConfiguration]) throws(ConfigurationError) -> [String] {
    var notes: [String] = []
    for relay in relays { notes += try [relay.checkSourcePoolRoute()].compactMap(\.self) }
    return notes
  }

  private func prepare(_ change: ConfigurationChange) throws(ConfigurationError) -> [RelayID: [RelayCounters]] {
    do throws(Errno) {
      try provideEcho(for: change.begun)
      names.know(change.begun)
      return try crew.prepare(Dictionary(uniqueKeysWithValues: change.begun.map { ($0.id, plans($0)) }))
    } catch { throw .start("cannot run what is new", error) }
  }

  private func forget(_ id: RelayID) {
    crew.end(id)
    names.end(id)
  }

  private func tell(_ change: ConfigurationChange, _ notes: [String]) {
    for note in notes { logger.warning("\(note)") }
    for setting in change.waiting {
      logger.warning("\(setting.key) cannot change while the process runs; restart it for that")
    }
    logger.notice(
      "configuration reloaded",
      metadata: [
        "begun": "\(change.begun.map(\.name).joined(separator: ", "))", "kept": "\(change.kept.count)",
        "ended": "\(change.ended.count)", "relays": "\(configuration.relays.count)",
      ])
  }

  // MARK: What relays need

  /// A relay's plan for each worker.
  func plans(_ relay: RelayConfiguration) -> [RelayPlan] {
    let all = relay.plans(workers: crew.workers.count, echo: relay.backend == .echo ? echo?.endpoint : nil, limits)
    return all.map { plan in
      var plan = plan
      plan.receiveQueue = crew.receiveQueue
      return plan
    }
  }

  /// Starts the built-in backend, if a relay is the first to need it.
  func provideEcho(for relays: [RelayConfiguration]) throws(Errno) {
    if echo == nil, relays.contains(where: { $0.backend == .echo }) { echo = try EchoBackend(succession.estate?.echo) }
  }
}
