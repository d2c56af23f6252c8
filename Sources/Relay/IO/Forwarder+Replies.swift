import EventLoop
import Linux

// Backend to client.
extension Forwarder {
  /// Takes what waits at the multiplexing upstream and sends it on.
  func receiveReplies(from upstream: MultiplexedUpstream) {
    let now = Instant.now
    turn(upstream.socket.descriptor, .toBackend) {
      note(lostReplies: upstream.queueDrops.new(bench.received.queueDrops))
      core.receiveFromBackend(bench.received.messages, now: now)
      sendToClients(now: now)
    }
    finish(now)
  }

  /// Takes what waits at a session's own socket and sends it on.
  func receiveReplies(from upstream: ConnectedUpstream) {
    let now = Instant.now
    turn(upstream.socket.descriptor, .toBackend) {
      note(lostReplies: upstream.queueDrops.new(bench.received.queueDrops))
      guard !upstream.isClosing else { return dropAll(.lateReply) }
      counters.noteReply(now)
      core.receiveFromBackend(bench.received.messages, for: upstream.session, now: now)
      sendToClients(now: now)
    } failed: { error in
      // A pending error comes before what waits in the queue: that is newer, though it may be of the same turn.
      counters.noteUnreachable(error, now)
      if !upstream.isClosing { core.noteUnreachable(upstream.session) }
    }
    finish(now)
  }

  /// Counts and tells what an upstream's queue has lost.
  @inline(__always)
  private func note(lostReplies datagrams: UInt64) {
    if datagrams > 0 { tellOfLostReplies(datagrams) }
  }

  @inline(never)
  private func tellOfLostReplies(_ datagrams: UInt64) {
    counters.lostInUpstreamQueue(datagrams)
    tellOfLoss(datagrams, at: .upstream)
  }

  /// Sends the trains, listener by listener, in the order in which each listener first occurs.
  private func sendToClients(now: Instant) {
    var waiting = Selection(all: core.trains)
    while waiting.count > 0 {
      let listener = core.trains[waiting[0]].listener
      var chosen = Selection()
      var others = Selection()
      for member in 0..<waiting.count {
        if core.trains[waiting[member]].listener == listener {
          chosen.append(waiting[member])
        } else {
          others.append(waiting[member])
        }
      }
      send(chosen, to: listener, now: now)
      waiting = others
    }
  }

  private func send(_ chosen: Selection, to index: ListenerIndex, now: Instant) {
    guard let listener = listeners[index.position], listener.isServing else {
      for member in 0..<chosen.count { counters.drop(.addressRemoved, core.trains[chosen[member]].datagrams) }
      return
    }
    let job = TrainSender.Job(destination: .clients, now: now, refusals: refusals)
    let tally = bench.sender.send(chosen, of: core.trains, from: bench.received, on: &listener.sending, job)
    listener.counters.sent(.toClient, tally)
  }
}
