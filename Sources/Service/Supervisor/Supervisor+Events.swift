import Addresses
import EventLoop
import Linux
import Logging

// What happens while it runs.
extension Supervisor {
  func hear(_ event: AddressMonitor.Event) {
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

  func hear(_ news: ListenerNews) {
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

  func readAgain() {
    if succession.successor != nil {
      succession.hasHungUp = true
      return logger.notice("SIGHUP: another process is about to take over, and reads the configuration again")
    }
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

  static func takeSnapshot(_ reserve: DescriptorReserve) -> Result<Snapshot, Errno> {
    reserve.lend { AddressMonitor.takeSnapshot() }
  }

  func logCounters() {
    let report = CounterReport(crew: crew, addressChanges: keeper.addressChanges)
    // Whoever asks for them wants them, whatever the level.
    var logger = logger
    logger.logLevel = .notice
    logger.notice("counters", metadata: ["counters": report.metadata])
  }
}
