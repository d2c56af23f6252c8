import Linux
import Relay

/// The workers, the relays that they run, and the listeners that each of them serves. Whatever there is, is on all workers
/// or on none.
final class WorkerCrew {
  /// A relay that runs.
  struct Running {
    var configuration: RelayConfiguration
    /// By worker, as the rest is.
    var plans: [RelayPlan]
    let counters: [RelayCounters]
  }

  private struct Opened {
    let identity: ListenerID
    let sockets: [Socket]
  }

  let workers: [Worker]
  private(set) var relays: [RelayID: Running] = [:]
  private let source: any ListenerSource
  private let retirement: Retirement
  /// How many bytes listeners' receive queues hold; nil leaves them as they are opened.
  var receiveQueue: Int?
  private var opened: [ListenerKey: Opened] = [:]
  private var lastIdentity: UInt64 = 0
  /// By worker. Kept when a listener is closed and comes back: a counter goes on where it was.
  private(set) var counters: [ListenerKey: [ListenerCounters]] = [:]
  /// Those of listeners that are closed, the longest closed first: addresses that come and go for years, as those of
  /// containers do, must not be remembered for years.
  private var closed: [ListenerKey] = []
  /// So many of them are kept: a few hundred KiB.
  private static let closedLimit = 1_024

  /// Makes the workers and starts their threads.
  ///
  /// - Parameters:
  ///   - source: opens the listeners' sockets.
  ///   - busyPoll: as `Worker.init` wants it.
  ///   - isHeld: as `Worker.init` wants it.
  ///   - observer: as `Worker.init` wants it.
  /// - Throws: EMFILE or ENOMEM when the host cannot bear them.
  init(
    _ count: Int, source: any ListenerSource, busyPoll: Nanoseconds, isHeld: Bool, observer: some WorkerObserver
  ) throws(Errno) {
    self.source = source
    retirement = try Retirement()
    var workers: [Worker] = []
    for _ in 0..<count { workers.append(try Worker(busyPoll: busyPoll, isHeld: isHeld, observer: observer)) }
    self.workers = workers
    for (number, worker) in workers.enumerated() { try worker.start(named: "worker \(number)") }
  }

  // MARK: Relays

  /// Makes all that some relays need, each new or in place of one of the same name. `begin` or `discard` must follow.
  ///
  /// - Parameter upstreams: sockets of multiplexing upstreams that another process has left, by worker.
  /// - Throws: EMFILE or ENOMEM; then nothing is left of any of them.
  func prepare(
    _ relays: [RelayID: [RelayPlan]], upstreams: [RelayID: [Socket]] = [:]
  ) throws(Errno) -> [RelayID: [RelayCounters]] {
    var counters: [RelayID: [RelayCounters]] = [:]
    do throws(Errno) {
      for (id, plans) in relays {
        let counted = self.relays[id]?.counters ?? workers.map { _ in RelayCounters() }
        counters[id] = counted
        for (number, worker) in workers.enumerated() {
          try worker.prepare(id, plans[number], counters: counted[number], upstream: upstreams[id]?[number])
        }
      }
    } catch {
      discard(relays.keys)
      throw error
    }
    return counters
  }

  /// Gives up what was prepared; what was not is passed over.
  func discard(_ ids: some Sequence<RelayID>) {
    for id in ids { for worker in workers { worker.discard(id) } }
  }

  /// Runs a relay that was prepared.
  func begin(_ configuration: RelayConfiguration, _ plans: [RelayPlan], _ counters: [RelayCounters]) {
    let id = configuration.id
    relays[id] = Running(configuration: configuration, plans: plans, counters: counters)
    var backends: [ListenerID: Endpoint] = [:]
    for (key, opened) in opened where key.relay == id { backends[opened.identity] = backend(of: key) }
    for worker in workers { worker.begin(id, backends: backends) }
  }

  /// Goes on with a relay of which at most its sessions' ends, and what it listens on, are new.
  func change(_ configuration: RelayConfiguration, _ plans: [RelayPlan]) {
    let id = configuration.id
    relays[id]?.configuration = configuration
    relays[id]?.plans = plans
    for (number, worker) in workers.enumerated() { worker.change(id, plans[number].ends) }
  }

  /// Ends a relay, whose listeners are closed, and forgets what it has counted.
  func end(_ id: RelayID) {
    for worker in workers { worker.end(id) }
    relays[id] = nil
    counters = counters.filter { $0.key.relay != id }
    closed.removeAll { $0.relay == id }
  }

  // MARK: Listeners

  /// Opens an endpoint and has every worker serve it.
  ///
  /// - Parameter given: sockets to serve it with, one for each worker; nil for new ones.
  /// - Throws: what the source of listeners throws.
  func open(_ key: ListenerKey, with given: [Socket]? = nil) throws(Errno) {
    let sockets: [Socket]
    if let given { sockets = given } else { sockets = try source.open(key.endpoint, workers: workers.count) }
    if let receiveQueue { for socket in sockets { try socket.setReceiveQueue(to: receiveQueue) } }
    lastIdentity += 1
    let identity = ListenerID(lastIdentity)
    opened[key] = Opened(identity: identity, sockets: sockets)
    let counted = counters[key] ?? workers.map { _ in ListenerCounters() }
    counters[key] = counted
    closed.removeAll { $0 == key }
    for (number, worker) in workers.enumerated() {
      let opening = ListenerOpening(
        socket: sockets[number], endpoint: key.endpoint, backend: backend(of: key),
        counters: counted[number])
      worker.open(identity, opening, relay: key.relay)
    }
  }

  func suspend(_ key: ListenerKey) { each(key) { $0.suspend($1) } }

  func resume(_ key: ListenerKey) { each(key) { $0.resume($1) } }

  func close(_ key: ListenerKey, _ reason: EndReason) {
    each(key) { $0.close($1, reason) }
    if opened.removeValue(forKey: key) != nil { forgetCounters(of: key) }
  }

  /// Of a listener that is closed: at once where nothing was counted, otherwise when many others have been closed since.
  private func forgetCounters(of key: ListenerKey) {
    guard counters[key]?.contains(where: \.hasCounted) == true else { return counters[key] = nil }
    closed.append(key)
    if closed.count > Self.closedLimit { counters[closed.removeFirst()] = nil }
  }

  /// The same, and its port is free when this returns, whatever the workers are doing.
  func dismiss(_ key: ListenerKey) {
    let sockets = opened[key]?.sockets ?? []
    close(key, .reconfigured)
    for socket in sockets { retirement.retire(socket) }
  }

  /// The sockets of every listener.
  var listenerSockets: [[Socket]] { opened.values.map(\.sockets) }

  /// The sockets of a listener.
  func sockets(of key: ListenerKey) -> [Socket]? { opened[key]?.sockets }

  // MARK: The whole

  func setBroadcastAddresses(_ addresses: Set<UInt32>) {
    for worker in workers { worker.setBroadcastAddresses(addresses) }
  }

  /// Whether sessions that end are told to the observer.
  func tellOfEndedSessions(_ isWanted: Bool) { for worker in workers { worker.tellOfEndedSessions(isWanted) } }

  func drain() { for worker in workers { worker.drain() } }

  func stop() { for worker in workers { worker.stop() } }

  /// Datagrams relayed so far, both ways.
  var datagrams: UInt64 {
    counters.values.joined().reduce(0) { $0 + $1.datagrams(.toBackend) + $1.datagrams(.toClient) }
  }

  /// Sessions there are now.
  var sessions: UInt64 { sum(\.sessions) }

  /// Those of them whose client was the last to speak.
  var sessionsAwaitingReply: UInt64 { sum(\.sessionsAwaitingReply) }

  private func sum(_ value: (RelayCounters) -> UInt64) -> UInt64 {
    relays.values.reduce(0) { $0 + $1.counters.reduce(0) { $0 + value($1) } }
  }

  private func each(_ key: ListenerKey, _ body: (Worker, ListenerID) -> Void) {
    guard let identity = opened[key]?.identity else { return }
    for worker in workers { body(worker, identity) }
  }

  private func backend(of key: ListenerKey) -> Endpoint {
    guard let relay = relays[key.relay], let plan = relay.plans.first else { preconditionFailure("no such relay") }
    let port = relay.configuration.backendPort(for: key.endpoint.port, among: plan.backendPorts)
    return Endpoint(plan.backend, port)
  }
}

extension ListenerCounters {
  fileprivate var hasCounted: Bool {
    receiveQueueDrops > 0 || Direction.allCases.contains { datagrams($0) > 0 }
  }
}
