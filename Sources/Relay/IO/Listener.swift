import EventLoop
import Linux

/// One socket bound to one interface address and port. What leaves from it has that address as its source, because the
/// kernel knows no other for a bound socket.
final class Listener: Readiness {
  enum State {
    /// The address is ours.
    case serving
    /// The address is gone. The sessions wait for it to come back; nothing is sent, for an IPv6 socket would keep sending
    /// from an address that is no longer ours.
    case suspended
    /// It is closed: the address did not come back, or nobody listens any more who stands behind it.
    case gone(EndReason)
  }

  let index: ListenerIndex
  /// Where it is asked.
  let endpoint: Endpoint
  /// Where datagrams asked of this listener go.
  let backend: Endpoint
  let counters: ListenerCounters
  var sending: SendingSocket
  var state = State.serving
  private(set) var queueDrops: QueueDrops
  private unowned(unsafe) let forwarder: Forwarder

  init(_ loop: Loop, _ opening: ListenerOpening, index: ListenerIndex, forwarder: Forwarder) throws(Errno) {
    self.index = index
    endpoint = opening.endpoint
    backend = opening.backend
    counters = opening.counters
    // A socket that was somebody else's may have lost datagrams before.
    queueDrops = QueueDrops(told: opening.queueDrops ?? opening.socket.queueDrops)
    sending = SendingSocket(opening.socket, isIPv4: opening.endpoint.address.isIPv4, isConnected: false)
    unsafe self.forwarder = forwarder
    try super.init(loop, opening.socket)
  }

  override func becameReadable() {
    unsafe forwarder.receiveRequests(from: self)
  }

  /// Why it is closed; nil when it is not.
  var whyGone: EndReason? { if case .gone(let reason) = state { reason } else { nil } }

  /// Whether its address is ours.
  var isServing: Bool { if case .serving = state { true } else { false } }

  /// What was lost so far was counted in another process.
  func expectQueueDrops(_ told: UInt32) { queueDrops.told = told }

  /// Counts what was lost before the last receive.
  func note(queueDrops sum: UInt32) {
    let lost = queueDrops.new(sum)
    if lost > 0 { tellOfLoss(lost) }
  }

  @inline(never)
  private func tellOfLoss(_ datagrams: UInt64) {
    counters.lostInQueue(datagrams)
    unsafe forwarder.tellOfLoss(datagrams, at: .listener(endpoint))
  }
}
