import EventLoop
import Linux

/// What one listener after another has received in this turn of the loop, and what leaves to the backend together at its
/// end. On a host with a thousand addresses most listeners have one datagram at a time; sent one by one, each would wake
/// the backend and cost a system call of its own.
///
/// It lies in the workbench: whoever needs that for something else sends first what was gathered.
@safe
final class Gathering: TurnEnd {
  /// Unmanaged, so that no datagram counts references. A forwarder lives as long as its worker's loop.
  private var forwarder: Unmanaged<Forwarder>?
  private var backend = Endpoint(.anyIPv4, 0)

  /// Gathers for a forwarder on the way to one of its backend's ports. What was gathered for others leaves now.
  @inline(__always)
  func join(_ newcomer: Forwarder, towards destination: Endpoint) {
    let other = unsafe Unmanaged.passUnretained(newcomer)
    if let current = unsafe forwarder {
      if unsafe current.toOpaque() == other.toOpaque(), backend == destination { return }
      flush()
    }
    newcomer.beginGathering()
    unsafe forwarder = other
    backend = destination
  }

  /// Sends what was gathered.
  @inline(__always)
  func flush() {
    guard let waiting = unsafe forwarder else { return }
    unsafe forwarder = nil
    unsafe waiting._withUnsafeGuaranteedRef { $0.sendGathered(to: backend) }
  }

  override func turnEnded() { flush() }
}
