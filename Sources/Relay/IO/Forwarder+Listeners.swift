import EventLoop
import Linux

extension Forwarder {
  /// Begins to serve a listener.
  ///
  /// - Returns: its place, or nil when it cannot be polled; that is reported.
  func open(_ opening: ListenerOpening) -> ListenerIndex? {
    let position = vacantPlaces.last ?? listeners.count
    do throws(Errno) {
      let listener = try Retirement.putOff { () throws(Errno) in
        try Listener(loop, opening, index: ListenerIndex(UInt32(position)), forwarder: self)
      }
      if position == listeners.count {
        listeners.append(listener)
      } else {
        listeners[position] = listener
        vacantPlaces.removeLast()
      }
      core.setBackendPort(opening.backend.port, of: listener.index)
      if !isHeld { listener.start() }
      return listener.index
    } catch {
      refusals.report(.listenerFailed(error))
      return nil
    }
  }

  /// The listener's address is gone: nothing leaves from it any more, its sessions wait.
  func suspend(_ index: ListenerIndex) { listeners[index.position]?.state = .suspended }

  /// The address is back: the same sessions go on.
  func resume(_ index: ListenerIndex) { listeners[index.position]?.state = .serving }

  /// The socket is closed, and its sessions end for that reason.
  func close(_ index: ListenerIndex, _ reason: EndReason) {
    guard let listener = listeners[index.position] else { return }
    listener.state = .gone(reason)
    listener.close()
    housekeeping.beginSweep()
  }

  /// No session points to the listener any more: its place is free.
  func forget(_ index: ListenerIndex) {
    listeners[index.position] = nil
    vacantPlaces.append(index.position)
  }
}
