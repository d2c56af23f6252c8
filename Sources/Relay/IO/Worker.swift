public import Linux
import EventLoop

/// A listener that a worker is to serve: a bound socket, and what belongs to it.
public struct ListenerOpening: Sendable {
  let socket: Socket
  let isIPv4: Bool
  let backend: Endpoint
  let counters: ListenerCounters

  /// - Parameters:
  ///   - socket: bound to one interface address; the worker keeps it until the listener is closed.
  ///   - isIPv4: the socket's family.
  ///   - backend: where datagrams asked of this listener go.
  ///   - counters: where they are counted. Not shared with another worker.
  public init(socket: Socket, isIPv4: Bool, backend: Endpoint, counters: ListenerCounters) {
    self.socket = socket
    self.isIPv4 = isIPv4
    self.backend = backend
    self.counters = counters
  }
}

/// Names a listener within one worker; given out by whoever opens it, never used twice.
public struct ListenerID: Hashable, Sendable {
  let number: UInt64

  /// A name.
  public init(_ number: UInt64) { self.number = number }
}

/// One thread, one event loop, its own listeners, sessions and upstreams. Nothing is shared between workers.
///
/// Every method may be called from any thread; what it asks for happens on the worker's own, in the order asked.
public final class Worker: @unchecked Sendable {
  private enum Command: Sendable {
    case open(ListenerID, ListenerOpening, relay: Int)
    case suspend(ListenerID)
    case resume(ListenerID)
    case close(ListenerID, EndReason)
    case setBroadcastAddresses(Set<UInt32>)
    case drain
    case stop
  }

  /// What each relay counts in this worker, in the order of the plans.
  public let counters: [RelayCounters]

  private let loop: Loop
  private let forwarders: [Forwarder]
  private let mailbox = Guarded<[Command]>([])
  private var wakeup: Wakeup?
  private var listeners: [ListenerID: (forwarder: Forwarder, index: ListenerIndex)] = [:]
  private var thread: Thread?

  /// Makes a worker with everything it needs, upstream sockets and tables included.
  ///
  /// - Parameters:
  ///   - plans: the relays it takes part in.
  ///   - busyPoll: for how long it looks for more after each datagram before it sleeps; 0 is not at all.
  ///   - report: called on the worker's thread for every trouble; must be quick.
  /// - Throws: EMFILE or ENOMEM.
  public init(
    _ plans: [RelayPlan], busyPoll: Nanoseconds = .zero,
    report: @escaping @Sendable (_ relay: Int, Trouble) -> Void
  ) throws(Errno) {
    let loop = try Loop()
    let bench = try Workbench(loop, busyPoll: busyPoll)
    let counters = plans.map { _ in RelayCounters() }
    var forwarders: [Forwarder] = []
    for (number, plan) in plans.enumerated() {
      forwarders.append(
        try Forwarder(loop, plan, counters: counters[number], bench: bench, report: { report(number, $0) }))
    }
    self.loop = loop
    self.counters = counters
    self.forwarders = forwarders
    wakeup = try Wakeup(loop) { [unowned self] in self.readMail() }
  }

  /// Starts the thread.
  ///
  /// - Throws: EAGAIN when a limit on threads is reached.
  public func start(named name: String) throws(Errno) {
    thread = try Thread(named: name) { [self] in
      loop.run()
      loop.closeAll()
    }
  }

  /// Begins to serve a listener of a relay.
  public func open(_ id: ListenerID, _ opening: ListenerOpening, relay: Int) { post(.open(id, opening, relay: relay)) }

  /// A listener's address is gone: nothing is sent from it, its sessions wait.
  public func suspend(_ id: ListenerID) { post(.suspend(id)) }

  /// The address is back.
  public func resume(_ id: ListenerID) { post(.resume(id)) }

  /// Closes a listener and ends its sessions for that reason.
  public func close(_ id: ListenerID, _ reason: EndReason) { post(.close(id, reason)) }

  /// Tells which addresses are broadcast addresses of this host: nobody can have asked from there.
  public func setBroadcastAddresses(_ addresses: Set<UInt32>) { post(.setBroadcastAddresses(addresses)) }

  /// Takes no new sessions any more; those that are go on.
  public func drain() { post(.drain) }

  /// Ends the thread and waits for it. Nothing may be asked of the worker afterwards.
  public func stop() {
    post(.stop)
    thread?.join()
    thread = nil
  }

  private func post(_ command: Command) {
    mailbox.withLock { $0.append(command) }
    wakeup?.send()
  }

  // MARK: On the worker's thread

  private func readMail() {
    let commands = mailbox.withLock { mail in
      defer { mail = [] }
      return mail
    }
    for command in commands { obey(command) }
  }

  private func obey(_ command: Command) {
    switch command {
    case .open(let id, let opening, let relay):
      if let index = forwarders[relay].open(opening) { listeners[id] = (forwarders[relay], index) }
    case .suspend(let id): listeners[id].map { $0.forwarder.suspend($0.index) }
    case .resume(let id): listeners[id].map { $0.forwarder.resume($0.index) }
    case .close(let id, let reason):
      listeners.removeValue(forKey: id).map { $0.forwarder.close($0.index, reason) }
    case .setBroadcastAddresses(let addresses):
      for forwarder in forwarders { forwarder.core.broadcastAddresses = addresses }
    case .drain:
      for forwarder in forwarders { forwarder.core.isDraining = true }
    case .stop: loop.stop()
    }
  }
}
