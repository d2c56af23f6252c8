import Addresses
import EventLoop
import Linux
import Logging
import Relay

// The start.
extension Supervisor {
  func begin(_ admin: AdminSocket?) throws(ConfigurationError) {
    let snapshot: Snapshot
    do throws(Errno) {
      try listenToSignals()
      try source.watch(on: loop) { [unowned self] in self.hear($0) }
      // The doorbell before the snapshot: a change in between rings.
      monitor = try AddressMonitor(loop, take: { [reserve] in Self.takeSnapshot(reserve) }) { [unowned self] in
        self.hear($0)
      }
      snapshot = try Self.takeSnapshot(reserve).get()
    } catch { throw .start("cannot watch the addresses of this host", error) }
    try validate(configuration, against: snapshot)
    try source.check(configuration, on: snapshot)
    notes = try notes(on: configuration.relays)
    logSessions(to: try openSessionLog(configuration))
    // A process whose place we take still has what only one can have.
    let isTakingOver = succession.predecessor?.isRunning == true
    let servers = try metrics.prepare(configuration.metrics, besides: succession.predecessor)
    if !isTakingOver { try openAdmin(admin) }
    try keeper.begin(with: snapshot)
    keeper.distrust = { [unowned self] in self.hear(.ended($0)) }
    if let predecessor = succession.predecessor { try takeOver(from: predecessor) }
    warn()
    warnOfCutQueues()
    announce()
    metrics.change(to: servers)
    observation.isDraining = { [unowned self] in self.drain != nil }
    if isTakingOver { openAdminLate() }
    try tellReady()
  }

  func runRelays() throws(Errno) {
    let relays = configuration.relays
    names.know(relays)
    try provideEcho(for: relays)
    let counters = try crew.prepare(
      Dictionary(uniqueKeysWithValues: relays.map { ($0.id, plans($0)) }), upstreams: inheritedUpstreams(relays))
    for relay in relays { crew.begin(relay, plans(relay), counters[relay.id] ?? []) }
  }

  private func listenToSignals() throws(Errno) {
    signals = [
      try Signal(loop, .terminate) { [unowned self] in self.beEnded() },
      try Signal(loop, .interrupt) { [unowned self] in self.beginEnd("SIGINT") },
      try Signal(loop, .user1) { [unowned self] in self.logCounters() },
      try Signal(loop, .user2) { [unowned self] in self.handOver() },
      try Signal(loop, .hangUp) { [unowned self] in self.readAgain() },
    ]
  }

  /// Opens what sessions are to be logged to, if anything.
  func openSessionLog(_ configuration: ProcessConfiguration) throws(ConfigurationError) -> Socket? {
    guard let destination = configuration.sessionLog else { return nil }
    do throws(Errno) { try sessionLog.start() } catch { throw .start("cannot log sessions", error) }
    return try destination.open()
  }

  /// Has sessions that end be logged; nil: nowhere.
  func logSessions(to destination: Socket?) {
    sessionLog.setDestination(destination)
    crew.tellOfEndedSessions(destination != nil)
  }
}
