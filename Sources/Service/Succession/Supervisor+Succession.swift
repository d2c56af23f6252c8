import EventLoop
import Linux
import Logging
import Relay

/// One process takes the place of another, without a client noticing: the old one's part, and the new one's.
extension Supervisor {
  // MARK: The old process

  /// Starts this program anew, as it is installed now, and hands everything over to it.
  func handOver() {
    if drain != nil { return }
    if succession.successor != nil { return logger.notice("SIGUSR2: another process is about to take over already") }
    if ProcessIdentity.own == 1 {
      return logger.error(
        "SIGUSR2: this is its container's first process, with which all others end; restart the container instead")
    }
    if let obstacle = source.obstacleToHandingOver { return logger.error("SIGUSR2: \(obstacle)") }
    guard let program = succession.program else {
      return logger.error("SIGUSR2: this program's own path is not known; restart it instead")
    }
    logger.notice("SIGUSR2: starting the process that takes over", metadata: ["program": "\(program)"])
    keeper.pause()
    do throws(Errno) {
      succession.successor = try Successor(
        loop, program, CommandLine.arguments,
        Successor.Tasks(
          sockets: { [unowned self] () throws(Errno) in try self.leaveSockets() },
          sessions: { [unowned self] () throws(Errno) in try self.standStill() },
          taken: { [unowned self] in self.leave($0) }, failed: { [unowned self] in self.goOn($0) }))
    } catch { goOn("\(program): \(error)") }
  }

  private func leaveSockets() throws(Errno) -> Estate {
    var estate = try crew.estate()
    estate.echo = echo?.socket
    return estate
  }

  private func standStill() throws(Errno) -> [SavedWorker] {
    succession.isStandingStill = true
    crew.hold()
    echo?.stop()
    return try crew.save(withSockets: true)
  }

  private func goOn(_ what: String) {
    succession.successor = nil
    if succession.isStandingStill { moveOn() }
    keeper.goOn()
    logger.error("no process has taken over, and this one goes on: \(what)")
    if succession.hasHungUp {
      succession.hasHungUp = false
      readAgain()
    }
  }

  private func moveOn() {
    succession.isStandingStill = false
    if let socket = echo?.socket { echo = (try? EchoBackend(socket)) ?? echo }
    crew.release()
  }

  private func leave(_ sessions: UInt64) {
    let processID = succession.successor?.processID ?? 0
    // It may have read the file before it was changed.
    if succession.hasHungUp { succession.successor?.hangUp() }
    manager.handedOver(to: processID)
    logger.notice(
      "another process has taken over", metadata: ["pid": "\(processID)", "sessions": "\(sessions)"])
    loop.stop()
  }

  /// Leaves everything with the service manager, if it keeps it for the next process.
  ///
  /// - Returns: whether it does; if not, all goes on.
  func leaveWithManager() -> Bool {
    guard ManagerVariables.ours.storesDescriptors, source.canBeKept else { return false }
    do throws(Errno) {
      let estate = try leaveSockets()
      succession.isStandingStill = true
      crew.hold()
      echo?.stop()
      try manager.store(StoredPredecessor.all(estate, crew.save(withSockets: false)))
    } catch {
      logger.error(
        "the service manager does not keep the sessions for the next process", metadata: ["error": "\(error)"])
      if succession.isStandingStill { moveOn() }
      return false
    }
    logger.notice(
      "listeners and sessions are left with the service manager", metadata: ["sessions": "\(crew.sessions)"])
    return true
  }

  // MARK: The new process

  /// The upstreams' sockets that relays can go on with.
  func inheritedUpstreams(_ relays: [RelayConfiguration]) -> [RelayID: [Socket]] {
    guard let estate = succession.estate, estate.workers == crew.workers.count else { return [:] }
    var sockets: [RelayID: [Socket]] = [:]
    for relay in relays { sockets[relay.id] = estate.upstreams(of: relay.name, plans(relay)) }
    return sockets
  }

  /// What another process has left, and nobody can read, must not be met again at the next start.
  func noteWhatIsUnusable() {
    guard let unusable = succession.unusable else { return }
    unusable.predecessor.forget(manager)
    logger.error(
      "what another process has left cannot be used; listeners and sessions begin anew",
      metadata: ["error": "\(unusable.error)"])
  }

  /// Goes on with the sessions of the process whose place this one takes; the listeners must be there.
  ///
  /// - Throws: why it cannot. Of a process that still runs, it goes on; what others have left is thrown away, so that the next
  ///   start finds nothing.
  func takeOver(from predecessor: Predecessor) throws(ConfigurationError) {
    let inherited = source as? InheritedListeners
    keeper.keepSuspended(inherited?.endpoints ?? [])
    let restored: Restored
    do throws(Errno) {
      restored = try crew.restore(predecessor.sessions(workers: succession.estate?.workers ?? 0))
      // What nobody wants must not receive.
      inherited?.closeRest()
      (succession.estate, succession.predecessor) = (nil, nil)
      try predecessor.commit(restored)
    } catch {
      predecessor.forget(manager)
      throw .start("cannot take over the sessions", error)
    }
    crew.release()
    predecessor.awaitEnd()
    predecessor.forget(manager)
    logger.notice(
      "took over from another process",
      metadata: [
        "pid": "\(ProcessIdentity.own)", "sessions": "\(restored.sessions)", "lost": "\(restored.lost)",
      ])
  }
}

extension WorkerCrew {
  /// The sockets that another process needs to go on.
  func estate() throws(Errno) -> Estate {
    var estate = Estate(workers: workers.count)
    for sockets in listenerSockets { estate.listeners += sockets }
    let upstreams = workers.map { $0.upstreams() }
    for (id, relay) in relays {
      let sockets = upstreams.compactMap { $0[id] }
      guard sockets.count == workers.count else { continue }
      estate.upstreams.append(
        Estate.Upstream(
          relay: relay.configuration.name, plans: relay.plans.map { SavedPlan($0) }, sockets: sockets))
    }
    return estate
  }

  /// Stands still until `release()`.
  func hold() { for worker in workers { worker.hold() } }

  /// Goes on.
  func release() { for worker in workers { worker.release() } }

  /// Every session, by worker; those with a socket each only if wanted. All workers write at the same time.
  func save(withSockets: Bool) throws(Errno) -> [SavedWorker] {
    let answers = workers.map { $0.save(withSockets: withSockets) }
    // Each must be waited for, whatever the others say.
    let results = answers.map { $0.take() }
    var saved: [SavedWorker] = []
    for result in results { saved.append(try result.get()) }
    return saved
  }

  /// Goes on with the sessions of as many workers of another process. With another number of workers none goes on: which of
  /// them receives from a client is not for us to say.
  func restore(_ saved: [SavedWorker]) throws(Errno) -> Restored {
    guard saved.count == workers.count else {
      for worker in saved { try worker.letPortsRest() }
      return Restored()
    }
    let answers = zip(workers, saved).map { $0.restore($1) }
    let results = answers.map { $0.take() }
    var sum = Restored()
    for result in results { sum = sum + (try result.get()) }
    return sum
  }
}
