import Linux
import Relay

/// The workers, and the listeners that each of them serves. An endpoint is opened on all workers or on none.
final class WorkerCrew {
  let workers: [Worker]
  private let backends: [RelayPlan]
  private let configurations: [RelayConfiguration]
  private let source: any ListenerSource
  private var identities: [ListenerKey: ListenerID] = [:]
  private var lastIdentity: UInt64 = 0
  /// By worker. Kept when a listener is closed: a counter never goes back.
  private(set) var counters: [ListenerKey: [ListenerCounters]] = [:]

  /// Makes the workers and starts their threads.
  ///
  /// - Parameters:
  ///   - relays: the relays.
  ///   - plans: for each relay, a plan for each worker.
  ///   - source: opens their listeners' sockets.
  ///   - busyPoll: as `Worker.init` wants it.
  ///   - report: as `Worker.init` wants it.
  /// - Throws: EMFILE or ENOMEM when the host cannot bear them.
  init(
    _ relays: [RelayConfiguration], plans: [[RelayPlan]], source: any ListenerSource, busyPoll: Nanoseconds,
    report: @escaping @Sendable (_ relay: Int, Trouble) -> Void
  ) throws(Errno) {
    configurations = relays
    self.source = source
    backends = plans.compactMap(\.first)
    var workers: [Worker] = []
    for number in 0..<(plans.first?.count ?? 0) {
      workers.append(try Worker(plans.map { $0[number] }, busyPoll: busyPoll, report: report))
    }
    self.workers = workers
    for (number, worker) in workers.enumerated() { try worker.start(named: "worker \(number)") }
  }

  /// Opens an endpoint and has every worker serve it.
  ///
  /// - Throws: what the source of listeners throws.
  func open(_ key: ListenerKey) throws(Errno) {
    let sockets = try source.open(key.endpoint, workers: workers.count)
    lastIdentity += 1
    let identity = ListenerID(lastIdentity)
    identities[key] = identity
    let counted = counters[key] ?? workers.map { _ in ListenerCounters() }
    counters[key] = counted
    for (number, worker) in workers.enumerated() {
      let opening = ListenerOpening(
        socket: sockets[number], isIPv4: key.endpoint.address.isIPv4, backend: backend(of: key),
        counters: counted[number])
      worker.open(identity, opening, relay: key.relay)
    }
  }

  func suspend(_ key: ListenerKey) { each(key) { $0.suspend($1) } }

  func resume(_ key: ListenerKey) { each(key) { $0.resume($1) } }

  func close(_ key: ListenerKey, _ reason: EndReason) {
    each(key) { $0.close($1, reason) }
    identities[key] = nil
  }

  func setBroadcastAddresses(_ addresses: Set<UInt32>) {
    for worker in workers { worker.setBroadcastAddresses(addresses) }
  }

  /// The relays' names, in the order of the configuration.
  var names: [String] { configurations.map(\.name) }

  func drain() { for worker in workers { worker.drain() } }

  func stop() { for worker in workers { worker.stop() } }

  /// Datagrams relayed so far, both ways.
  var datagrams: UInt64 {
    counters.values.joined().reduce(0) { $0 + $1.datagrams(.toBackend) + $1.datagrams(.toClient) }
  }

  /// Sessions there are now.
  var sessions: UInt64 { workers.reduce(0) { $0 + $1.counters.reduce(0) { $0 + $1.sessions } } }

  /// Those of them whose client was the last to speak.
  var sessionsAwaitingReply: UInt64 {
    workers.reduce(0) { $0 + $1.counters.reduce(0) { $0 + $1.sessionsAwaitingReply } }
  }

  private func each(_ key: ListenerKey, _ body: (Worker, ListenerID) -> Void) {
    guard let identity = identities[key] else { return }
    for worker in workers { body(worker, identity) }
  }

  private func backend(of key: ListenerKey) -> Endpoint {
    let plan = backends[key.relay]
    let port = configurations[key.relay].backendPort(for: key.endpoint.port, among: plan.backendPorts)
    return Endpoint(plan.backend, port)
  }
}
