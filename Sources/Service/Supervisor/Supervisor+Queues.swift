import Linux
import Logging
import Relay

/// What the sockets' receive queues hold, and what is said of it.
extension Supervisor {
  /// How many bytes every queue is to hold; nil leaves them as they are opened.
  static func receiveQueue(_ configuration: ProcessConfiguration) throws(Errno) -> Int? {
    guard let bytes = configuration.receiveBuffer else { return nil }
    return bytes == 0 ? try Socket.systemReceiveQueue() : bytes
  }

  /// Warns when the kernel has given less than was asked for.
  func warnOfCutQueues() {
    guard configuration.receiveBuffer != nil, let key = keeper.roster.serving.first,
      let remedy = remedy(key.relay, .listener(key.endpoint)), remedy.isCut
    else { return }
    logger.warning("the receive queues are smaller than was asked for; of each, \(remedy.text)")
  }

  /// What can be done about a queue that was full.
  func remedy(_ relay: RelayID, _ queue: ReceiveQueue) -> QueueRemedy? {
    guard let configuration = crew.relays[relay]?.configuration else { return nil }
    let isEnlarged = if case .listener = queue { true } else { configuration.resolvedUpstream == .multiplexed }
    let system = try? Socket.systemReceiveQueue()
    guard let wanted = crew.receiveQueue ?? (isEnlarged ? Socket.usualReceiveQueue : system) else { return nil }
    let bytes =
      if case .listener(let endpoint) = queue {
        try? crew.sockets(of: ListenerKey(relay: relay, endpoint: endpoint))?.first?.receiveQueue()
      } else {
        try? Socket.attainableReceiveQueue(wanted)
      }
    // Whoever has the right to more is not held back by that.
    let greatest = Capability.networkAdmin.isEffective ? nil : QueueLimits.greatestReceiveQueue
    return bytes.map { QueueRemedy(bytes: $0, wanted: wanted, greatest: greatest) }
  }
}
