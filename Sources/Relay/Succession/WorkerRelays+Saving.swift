import EventLoop
import Linux

extension WorkerRelays {
  /// Stands still until `release()`.
  mutating func hold() {
    bench.gathering.flush()
    isHeld = true
    for forwarder in forwarders.values { forwarder.hold() }
  }

  /// Goes on.
  mutating func release() {
    isHeld = false
    for forwarder in forwarders.values { forwarder.release() }
  }

  /// The sockets of the multiplexing upstreams.
  var upstreams: [RelayID: Socket] { forwarders.compactMapValues(\.multiplexed?.socket) }

  /// Writes down every session; it must stand still.
  ///
  /// - Parameter withSockets: whether sessions that have a socket each go on, too. If not, their ports rest.
  /// - Throws: EMFILE, ENOMEM, ENOSPC.
  func save(withSockets: Bool) throws(Errno) -> SavedWorker {
    let now = Instant.now
    if !withSockets {
      for forwarder in forwarders.values { forwarder.connected.forEach { RestingPorts.all.rest($0.port, from: now) } }
    }
    let nameless = try NamelessFile()
    var file = ValueWriter(nameless)
    var sockets: [Socket] = []
    SavedRelays.begin(&file, relays: forwarders.count, now: now)
    for forwarder in forwarders.values { forwarder.save(to: &file, &sockets, withSockets: withSockets, now: now) }
    try file.finish()
    return SavedWorker(nameless, sockets)
  }

  /// Goes on with every session that a worker of another process has written down, as far as there are its relay and its
  /// listener.
  ///
  /// - Throws: EPROTO when the other process is of a program that means something else; ENODATA, EIO. Sessions read before
  ///   go on.
  func restore(_ saved: SavedWorker) throws(Errno) -> Restored {
    let now = Instant.now
    // Those that are taken up are in use: to rest does them no harm.
    for socket in saved.sockets { RestingPorts.all.rest(socket, from: now) }
    var file = ValueReader(saved.file)
    var restored = Restored()
    for _ in 0..<(try SavedRelays.begin(&file)) {
      let heading = try SavedRelays.heading(&file)
      if let forwarder = forwarders.values.first(where: { $0.core.plan.name == heading.name }),
        forwarder.canContinue(heading)
      {
        restored = restored + (try forwarder.restore(heading, from: &file, saved.sockets, now: now))
      } else {
        restored.lost += try SavedRelays.skip(heading, &file)
      }
    }
    return restored
  }
}
