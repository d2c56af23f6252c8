import Addresses
import EventLoop
import Glibc
import Linux
import Logging
import Relay

/// The control plane: starts the workers, keeps their listeners in step with the host's addresses, obeys signals, and ends
/// everything in good order.
public final class Supervisor {
  /// Reads the configuration again.
  public typealias Rereading = () throws(ConfigurationFileError) -> ProcessConfiguration

  var configuration: ProcessConfiguration
  let limits: HostLimits
  let logControl: LogControl
  let logger: Logger
  let loop: Loop
  let crew: WorkerCrew
  let source: any ListenerSource
  let keeper: ListenerKeeper
  let troubles: TroubleLog
  let names: RelayNames
  let sessionLog: SessionLog
  let manager: ServiceManager
  let observation: Observation
  let metrics: MetricsServers
  let losses: QueueLossLog
  let start = Start()
  var admin: AdminDesk?
  /// What came of the last one.
  var lastReload: StatusFacts.Reload?
  /// Started when a relay first needs it.
  var echo: EchoBackend?
  /// Where this program lay when it was started; another version may lie there by now.
  let program = ProcFile.link(ChildProcess.ourselves, limit: 4_096)
  /// Whose place this process takes, and what it leaves, until it has gone.
  private var predecessor: Predecessor?
  var estate: Estate?
  /// Who is about to take this process's place.
  var successor: Successor?
  /// Whether the workers stand still for that.
  var isStandingStill = false
  /// Nil where there is nothing to read again.
  private let reread: Rereading?
  /// The identity of the next relay.
  var nextIdentity: Int
  private let reserve = DescriptorReserve()
  private var monitor: AddressMonitor?
  private var signals: [Signal] = []
  private(set) var drain: Drain?
  /// What someone should be told at the start, though nothing is wrong.
  private var notes: [String] = []
  /// Whether the last try to read the addresses failed.
  private var isBlind = false
  /// What has ended it, if no signal has.
  private var failure: ConfigurationError?

  /// Runs the process's relays until a signal ends them.
  ///
  /// - Parameters:
  ///   - source: where the listeners' sockets come from; nil for bind(2).
  ///   - admin: where it can be asked about itself; nil for what the configuration says.
  ///   - reread: reads the configuration again at SIGHUP; nil where only the addresses can be read again.
  ///   - predecessor: whose place to take; nil for nobody's.
  /// - Returns: the status to exit with.
  /// - Throws: what keeps it from starting, or from going on, and what to do about it.
  public static func run(
    _ configuration: ProcessConfiguration, _ source: (any ListenerSource)? = nil, admin: AdminSocket? = nil,
    reread: Rereading? = nil, predecessor: Predecessor? = nil
  ) throws(ConfigurationError) -> Int32 {
    try validate(configuration)
    let limits = HostLimits(
      descriptors: DescriptorLimit.raise(), reserved: configuration.descriptorsForClients)
    guard DescriptorLimit.hasRoom(for: configuration.descriptorsToStart) else {
      throw .start("cannot start", .tooManyDescriptors)
    }
    let listeners = try listeners(from: source)
    let supervisor: Supervisor
    do throws(Errno) {
      supervisor = try Supervisor(configuration, limits, listeners, reread, predecessor)
    } catch { throw .start("cannot start", error) }
    try supervisor.begin(admin)
    supervisor.loop.run()
    supervisor.end()
    if let failure = supervisor.failure { throw failure }
    return 0
  }

  private init(
    _ configuration: ProcessConfiguration, _ limits: HostLimits, _ source: any ListenerSource,
    _ reread: Rereading?, _ predecessor: Predecessor?
  ) throws(Errno) {
    self.predecessor = predecessor
    let estate = try predecessor?.estate()
    let source = estate.map { InheritedListeners($0.listenersByEndpoint, .given, otherwise: source) } ?? source
    self.estate = estate
    self.configuration = configuration
    self.limits = limits
    self.source = source
    self.reread = reread
    nextIdentity = configuration.relays.count
    let logControl = LogControl(configuration, journalStream: Environment.variables["JOURNAL_STREAM"])
    let logger = Logger(logControl)
    let loop = try Loop()
    let names = RelayNames()
    let troubles = try TroubleLog(loop, logger, names)
    let sessionLog = SessionLog(names, logControl, logger)
    let losses = try QueueLossLog(loop, logger, names)
    let workers = configuration.workers.resolved()
    let crew = try WorkerCrew(
      workers, source: source, busyPoll: configuration.busyPoll, isHeld: predecessor != nil,
      observer: WorkerEars(troubles: troubles, sessions: sessionLog, losses: losses))
    crew.receiveQueue = try Self.receiveQueue(configuration)
    keeper = try ListenerKeeper(loop, configuration, crew, source, logger)
    observation = Observation(crew, keeper, limits)
    metrics = MetricsServers(loop, observation.routes, logger)
    self.logControl = logControl
    self.logger = logger
    self.loop = loop
    self.names = names
    self.troubles = troubles
    self.sessionLog = sessionLog
    self.losses = losses
    self.crew = crew
    manager = ServiceManager(.ours, logger)
    losses.remedies { [unowned self] in remedy($0, $1) }
    try runRelays()
  }

  // MARK: The start

  private func begin(_ admin: AdminSocket?) throws(ConfigurationError) {
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
    let isTakingOver = predecessor?.isRunning == true
    let servers = isTakingOver ? nil : try metrics.prepare(configuration.metrics)
    if !isTakingOver { try openAdmin(admin) }
    try keeper.begin(with: snapshot)
    keeper.distrust = { [unowned self] in self.hear(.ended($0)) }
    if let predecessor {
      try takeOver(from: predecessor)
      self.predecessor = nil
    }
    warn()
    warnOfCutQueues()
    announce()
    openMetrics(servers)
    if isTakingOver { openAdminLate() }
    try tellReady()
  }

  private func runRelays() throws(Errno) {
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

  private func warn() {
    for note in notes + source.notes { logger.warning("\(note)") }
    for relay in configuration.relays where relay.sessionLimit(limits) < relay.maxSessions {
      logger.info(
        "sessions are limited by descriptors and ports: each takes one of both with this backend",
        metadata: ["sessions": "\(relay.sessionLimit(limits))"])
    }
    if echo != nil {
      logger.warning("the echo backend is for trying only: a forged request makes two echo services answer each other")
    }
    let isMultiplexed = configuration.relays.contains { $0.resolvedUpstream == .multiplexed }
    if isMultiplexed, RouteLocalnet.isOn {
      logger.warning(
        "net.ipv4.conf.*.route_localnet is 1: other hosts can reach 127.0.0.0/8 here, the service on it included")
    }
    if keeper.roster.serving.isEmpty { logger.warning("no address to listen on yet; waiting for one") }
  }

  private func announce() {
    let serving = keeper.roster.serving.map(\.endpoint).sorted { "\($0)" < "\($1)" }
    let addresses = Set(serving.map(\.address)).count
    let ports = Self.list("port", configuration.relays.flatMap(\.listen).map { PortRange.describe($0.ports) })
    let backends = Self.list("backend", configuration.relays.map { "\($0.backend)" })
    StandardOutput.write(
      line: "ready: \(addresses) \(addresses == 1 ? "address" : "addresses"), \(ports), \(backends)"
        + "\(source.remark ?? "")")
    if !serving.isEmpty { logger.info("listening", metadata: ["addresses": "\(EndpointList(serving))"]) }
    if echo != nil { suggest(serving) }
  }

  /// Each once, behind what they are called.
  private static func list(_ what: String, _ names: [String]) -> String {
    var seen: Set<String> = []
    let each = names.filter { seen.insert($0).inserted }
    return "\(what)\(each.count == 1 ? "" : "s") \(each.joined(separator: ", "))"
  }

  /// Whoever starts the echo backend wants to try something.
  private func suggest(_ serving: [Endpoint]) {
    guard let first = serving.first(where: { $0.address.isIPv4 }) ?? serving.first else { return }
    StandardOutput.write(line: "try it: echo hello | nc -u -w1 \(first.address) \(first.port)")
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

  // MARK: Events

  private func hear(_ event: AddressMonitor.Event) {
    switch event {
    case .changed(let snapshot):
      isBlind = false
      keeper.addressesChanged(snapshot)
      manager.tellStatus()
    case .failed(let error):
      // Once: the next try comes twice a second.
      if isBlind { return }
      isBlind = true
      logger.error("cannot read this host's addresses; the last ones stay", metadata: ["error": "\(error)"])
    }
  }

  private func hear(_ news: ListenerNews) {
    switch news {
    case .withdrawn(let what):
      keeper.withdraw()
      logger.notice("\(what)")
    case .granted(let what):
      if drain == nil { keeper.restore() }
      logger.notice("\(what)")
    case .troubled(let what): logger.error("\(what)")
    case .ended(let error):
      keeper.withdraw()
      failure = error
      loop.stop()
    }
  }

  private func readAgain() {
    if successor != nil { return logger.notice("SIGHUP: not now; another process is about to take over") }
    if drain == nil { manager.reloading() }
    defer { if drain == nil { manager.ready() } }
    logger.info("SIGHUP: reading \(reread == nil ? "" : "the configuration and ")the addresses of this host again")
    switch Self.takeSnapshot(reserve) {
    case .success(let snapshot):
      hear(.changed(snapshot))
      if let reread { reload(reread, on: snapshot) }
    case .failure(let error): hear(.failed(error))
    }
  }

  private static func takeSnapshot(_ reserve: DescriptorReserve) -> Result<Snapshot, Errno> {
    reserve.lend { AddressMonitor.takeSnapshot() }
  }

  private func logCounters() {
    let report = CounterReport(crew: crew, addressChanges: keeper.addressChanges)
    // Whoever asks for them wants them, whatever the level.
    var logger = logger
    logger.logLevel = .notice
    logger.notice("counters", metadata: ["counters": report.metadata])
  }

  // MARK: The end

  /// SIGTERM: a service manager may want to start us anew.
  private func beEnded() {
    successor?.cancel()
    if drain == nil, leaveWithManager() { return loop.stop() }
    beginEnd("SIGTERM")
  }

  private func beginEnd(_ signal: Logger.Message) {
    if drain != nil { return loop.stop() }
    successor?.cancel()
    logger.notice("\(signal): draining; a second signal ends at once")
    defer { manager.stopping(within: configuration.drainLimit) }
    do throws(Errno) {
      drain = try Drain(loop, crew, limit: configuration.drainLimit) { [unowned self] in self.loop.stop() }
    } catch { loop.stop() }
  }

  private func end() {
    metrics.close()
    admin?.close()
    crew.stop()
    sessionLog.stop()
    losses.finish()
    echo?.stop()
    logCounters()
    logger.notice("ended")
  }
}

/// net.ipv4.conf.*.route_localnet: whether other hosts can reach 127.0.0.0/8 (ip-sysctl).
enum RouteLocalnet {
  private static let folder = "/proc/sys/net/ipv4/conf"

  static var isOn: Bool {
    ProcFile.names(in: folder).contains { ProcFile.read("\(folder)/\($0)/route_localnet")?.first == "1" }
  }
}
