import EventLoop
import Linux

/// The relays of one worker, and their listeners. They come and go while it runs; used by the worker's thread alone.
struct WorkerRelays {
  private struct Served {
    let relay: RelayID
    let index: ListenerIndex
    var opening: ListenerOpening
    var isSuspended = false
  }

  private let loop: Loop
  let bench: Workbench
  private let observer: any WorkerObserver
  private var prepared: [RelayID: Forwarder] = [:]
  private(set) var forwarders: [RelayID: Forwarder] = [:]
  /// Those that have no listeners any more, and whose sessions end one after the other.
  private var leaving: [Forwarder] = []
  private var listeners: [ListenerID: Served] = [:]
  private var broadcastAddresses: Set<UInt32> = []
  private var isDraining = false
  private var tellsOfEndedSessions = false
  /// Whether all of it stands still.
  var isHeld: Bool

  /// Called when `bury()` has something to do; not at once, for the caller is still at work.
  var haveBuried: () -> Void = {}

  init(_ loop: Loop, _ bench: Workbench, _ observer: any WorkerObserver, isHeld: Bool) {
    self.isHeld = isHeld
    self.loop = loop
    self.bench = bench
    self.observer = observer
  }

  // MARK: Relays

  mutating func prepare(
    _ id: RelayID, _ plan: RelayPlan, _ counters: RelayCounters, _ upstream: Socket?
  ) throws(Errno) {
    prepared[id] = try Forwarder(
      loop, plan, id, counters: counters, bench: bench, observer: observer, upstream: upstream, isHeld: isHeld)
  }

  mutating func discard(_ id: RelayID) {
    if let forwarder = prepared.removeValue(forKey: id) { leave(forwarder) }
  }

  mutating func begin(_ id: RelayID, _ backends: [ListenerID: Endpoint]) {
    guard let forwarder = prepared.removeValue(forKey: id) else { return }
    forwarder.core.broadcastAddresses = broadcastAddresses
    forwarder.core.isDraining = isDraining
    forwarder.core.endedSessions.areWanted = tellsOfEndedSessions
    let old = forwarders.updateValue(forwarder, forKey: id)
    guard let old else { return }
    for (listener, served) in listeners where served.relay == id {
      var opening = served.opening
      opening.backend = backends[listener] ?? opening.backend
      opening.queueDrops = old.listeners[served.index.position]?.queueDrops.told
      old.close(served.index, .reconfigured)
      listeners[listener] = nil
      open(listener, opening, id)
      if served.isSuspended { suspend(listener) }
    }
    leave(old)
  }

  mutating func change(_ id: RelayID, _ ends: SessionEnds) {
    guard let forwarder = forwarders[id] else { return }
    forwarder.core.ends = ends
    forwarder.housekeeping.expectExpiryAnew(.now)
  }

  mutating func end(_ id: RelayID) {
    if let forwarder = forwarders.removeValue(forKey: id) { leave(forwarder) }
  }

  func readSessions(of id: RelayID, from place: Int, _ filter: SessionFilter) -> SessionPage {
    forwarders[id]?.readSessions(from: place, filter) ?? SessionPage()
  }

  /// Frees those that have left.
  mutating func bury() { leaving.removeAll { $0.hasLeft } }

  private mutating func leave(_ forwarder: Forwarder) {
    leaving.append(forwarder)
    forwarder.leave(then: haveBuried)
  }

  // MARK: Listeners

  mutating func open(_ id: ListenerID, _ opening: ListenerOpening, _ relay: RelayID) {
    guard let index = forwarders[relay]?.open(opening) else { return }
    listeners[id] = Served(relay: relay, index: index, opening: opening)
  }

  mutating func suspend(_ id: ListenerID) {
    guard let served = listeners[id] else { return }
    forwarders[served.relay]?.suspend(served.index)
    listeners[id]?.isSuspended = true
  }

  mutating func resume(_ id: ListenerID) {
    guard let served = listeners[id] else { return }
    forwarders[served.relay]?.resume(served.index)
    listeners[id]?.isSuspended = false
  }

  mutating func close(_ id: ListenerID, _ reason: EndReason) {
    guard let served = listeners.removeValue(forKey: id) else { return }
    forwarders[served.relay]?.close(served.index, reason)
  }

  // MARK: The whole

  mutating func setBroadcastAddresses(_ addresses: Set<UInt32>) {
    broadcastAddresses = addresses
    for forwarder in forwarders.values { forwarder.core.broadcastAddresses = addresses }
  }

  mutating func tellOfEndedSessions(_ isWanted: Bool) {
    tellsOfEndedSessions = isWanted
    for forwarder in forwarders.values { forwarder.core.endedSessions.areWanted = isWanted }
  }

  mutating func drain() {
    isDraining = true
    for forwarder in forwarders.values { forwarder.core.isDraining = true }
  }
}
