import Addresses
import EventLoop
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
  /// Whose place this process takes, and who takes its.
  var succession: Succession
  /// Nil where there is nothing to read again.
  let reread: Rereading?
  /// The identity of the next relay.
  var nextIdentity: Int
  let reserve = DescriptorReserve()
  var monitor: AddressMonitor?
  var signals: [Signal] = []
  var drain: Drain?
  /// What someone should be told at the start, though nothing is wrong.
  var notes: [String] = []
  /// Whether the last try to read the addresses failed.
  var isBlind = false
  /// What has ended it, if no signal has.
  var failure: ConfigurationError?

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
    let succession = try Succession(predecessor)
    let source = succession.source(otherwise: source)
    self.succession = succession
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
      workers, source: source, busyPoll: configuration.busyPoll, isHeld: succession.predecessor != nil,
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
    noteWhatIsUnusable()
    losses.remedies { [unowned self] in remedy($0, $1) }
    try runRelays()
  }
}
