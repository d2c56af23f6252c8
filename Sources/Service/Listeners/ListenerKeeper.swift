import Addresses
import EventLoop
import Linux
import Logging
import Relay

/// Keeps the listeners in step with the addresses of this host: the roster decides, the crew does, the log tells.
final class ListenerKeeper {
  private var configuration: ProcessConfiguration
  private let crew: WorkerCrew
  private let source: any ListenerSource
  private let log: ChangeLog
  private var snapshot = Snapshot(addresses: [], interfaces: [])
  /// Set while there may be no listeners, whatever the addresses are.
  private var isWithdrawn = false
  private var isPaused = false
  /// Set while one change is carried out and no descriptor is left: the rest of it need not be tried.
  private var exhausted: Errno?
  /// Sockets that were opened before they were needed.
  private var prepared: [ListenerKey: [Socket]] = [:]
  private(set) var roster = ListenerRoster()
  /// How often the addresses have changed what is served.
  private(set) var addressChanges: UInt64 = 0
  private var timer: Timer?

  /// Called when the source of listeners finds something wrong with what was opened.
  var distrust: (ConfigurationError) -> Void = { _ in }

  init(
    _ loop: Loop, _ configuration: ProcessConfiguration, _ crew: WorkerCrew, _ source: any ListenerSource,
    _ logger: Logger
  ) throws(Errno) {
    self.configuration = configuration
    self.crew = crew
    self.source = source
    log = try ChangeLog(loop, logger)
    timer = try Timer(loop) { [unowned self] in self.timeHasPassed() }
  }

  // MARK: The start

  /// Opens every listener that this host can have now.
  ///
  /// An address that is not usable yet stays pending, and so do those for which no descriptor is left. A port that someone
  /// else holds (unless the source leaves it to them), or that we have no right to, is an error: to serve some addresses
  /// only would hide it.
  func begin(with snapshot: Snapshot) throws(ConfigurationError) {
    self.snapshot = snapshot
    crew.setBroadcastAddresses(snapshot.broadcastAddresses)
    let now = Instant.now
    var refused: [Errno: [Endpoint]] = [:]
    for action in roster.update(eligible: configuration.listeners(on: snapshot), now: now) {
      guard case .open(let key) = action, let error = open(key, now: now, &refused) else { continue }
      switch error {
      case .addressInUse:
        if !source.leavesTakenAddresses { throw .portInUse(key.endpoint, holder: .blocking(key.endpoint)) }
      case .accessDenied: throw .noRightToBind(key.endpoint)
      case .addressNotAvailable: break
      default: if roster.serving.isEmpty { throw .start("cannot listen on \(key.endpoint)", error) }
      }
    }
    if roster.serving.isEmpty, let taken = refused[.addressInUse]?.first {
      throw .portInUse(taken, holder: .blocking(taken))
    }
    try source.confirm()
    for (error, endpoints) in refused { log.note(.refused(error), endpoints, now: now) }
    waitForDeadline()
  }

  // MARK: Later

  /// The addresses have changed, or may have become usable.
  func addressesChanged(_ snapshot: Snapshot) {
    self.snapshot = snapshot
    crew.setBroadcastAddresses(snapshot.broadcastAddresses)
    if isWithdrawn { return }
    let actions = roster.update(eligible: configuration.listeners(on: snapshot), now: .now)
    // Nothing may leave from an address that is gone, whatever else there is to do. What is to be opened stays pending.
    perform(isPaused ? actions.filter { !$0.isOpening } : actions)
  }

  /// There may be no listeners any more; their sessions end. The sockets are closed already.
  func withdraw() {
    isWithdrawn = true
    for case .close(let key) in roster.clear() { crew.close(key, .serviceGone) }
    waitForDeadline()
  }

  /// Opens and closes nothing for a while: another process is about to take over.
  func pause() { isPaused = true }

  /// Makes up for it.
  func goOn() {
    isPaused = false
    addressesChanged(snapshot)
  }

  /// There may be listeners again, on whatever addresses there are now.
  func restore() {
    isWithdrawn = false
    addressesChanged(snapshot)
  }

  /// Takes up listeners of another process whose addresses are gone for a moment, with their sessions.
  func keepSuspended(_ endpoints: [Endpoint]) {
    for endpoint in endpoints {
      for relay in configuration.relays {
        let key = ListenerKey(relay: relay.id, endpoint: endpoint)
        guard configuration.mayListen(key), !roster.knows(key), (try? crew.open(key)) != nil else { continue }
        roster.suspended(key, now: .now)
        crew.suspend(key)
        break
      }
    }
    waitForDeadline()
  }

  // MARK: Another configuration

  /// Opens what another configuration has more than this one, so that nothing can go wrong any more when it takes its place.
  /// The sockets of a listener that only changes its relay stay as they are.
  ///
  /// - Throws: why it cannot be had, as `begin` does; then nothing has changed.
  func prepare(_ next: ProcessConfiguration) throws(ConfigurationError) -> PreparedListeners {
    var prepared = PreparedListeners(next)
    let wanted = next.listeners(on: snapshot)
    let staying = Set(wanted)
    let leaving = roster.serving.filter { !staying.contains($0) }
    var sockets: [Endpoint: [Socket]] = [:]
    for key in leaving { sockets[key.endpoint] = crew.sockets(of: key) }
    for key in wanted where !roster.knows(key) {
      if let taken = sockets[key.endpoint] {
        prepared.sockets[key] = taken
      } else {
        try prepared.open(key, source, workers: crew.workers.count)
      }
    }
    return prepared
  }

  /// Has another configuration take the place of this one.
  ///
  /// - Parameter run: has its relays run; called when the listeners that it does not want are closed, and before others are
  ///   opened.
  func change(to prepared: PreparedListeners, _ run: () -> Void) {
    configuration = prepared.configuration
    let actions = roster.reconfigure(
      eligible: configuration.listeners(on: snapshot), now: .now, isWantedWhenBack: configuration.mayListen)
    close(actions, handingOver: Set(prepared.sockets.keys.map(\.endpoint)))
    run()
    self.prepared = prepared.sockets
    let changes = addressChanges
    perform(actions.filter { !$0.isClosing })
    addressChanges = changes
    self.prepared = [:]
  }

  /// Closes the listeners that another configuration does not want.
  ///
  /// - Parameter handedOver: where another relay takes over the sockets.
  private func close(_ actions: [ListenerRoster.Action], handingOver handedOver: Set<Endpoint>) {
    var closed: [Endpoint] = []
    for case .close(let key) in actions {
      if handedOver.contains(key.endpoint) {
        crew.close(key, .reconfigured)
      } else {
        crew.dismiss(key)
        closed.append(key.endpoint)
      }
    }
    log.note(.dismissed, closed, now: .now)
  }

  private func timeHasPassed() {
    if !isPaused { perform(roster.due(now: .now)) }
  }

  private func perform(_ actions: [ListenerRoster.Action]) {
    let now = Instant.now
    var opened: [Endpoint] = []
    var suspended: [Endpoint] = []
    var closed: [Endpoint] = []
    var refused: [Errno: [Endpoint]] = [:]
    for action in actions {
      switch action {
      case .open(let key): if open(key, now: now, &refused) == nil { opened.append(key.endpoint) }
      case .suspend(let key):
        crew.suspend(key)
        suspended.append(key.endpoint)
      case .resume(let key):
        crew.resume(key)
        opened.append(key.endpoint)
      case .close(let key):
        crew.close(key, .addressRemoved)
        closed.append(key.endpoint)
      }
    }
    addressChanges += UInt64(opened.count + suspended.count)
    log.note(.serving, opened, now: now)
    log.note(.suspended, suspended, now: now)
    log.note(.closed, closed, now: now)
    for (error, endpoints) in refused { log.note(.refused(error), endpoints, now: now) }
    waitForDeadline()
    if !opened.isEmpty || !refused.isEmpty { do { try source.confirm() } catch { distrust(error) } }
  }

  private func open(_ key: ListenerKey, now: Instant, _ refused: inout [Errno: [Endpoint]]) -> Errno? {
    do throws(Errno) {
      if let exhausted { throw exhausted }
      try crew.open(key, with: prepared.removeValue(forKey: key))
      roster.opened(key)
      return nil
    } catch {
      if error.isForWantOfDescriptors { exhausted = error }
      if roster.failed(key, error, now: now) { refused[error, default: []].append(key.endpoint) }
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
