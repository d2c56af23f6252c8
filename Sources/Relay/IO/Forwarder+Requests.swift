import EventLoop
import Linux

// Client to backend.
extension Forwarder {
  /// Takes what waits at a listener and sends it on.
  func receiveRequests(from listener: Listener) {
    let now = Instant.now
    if multiplexed != nil {
      gather(from: listener, now: now)
    } else {
      turn(listener.socket.descriptor, .toClient) {
        core.beginBatch()
        take(from: listener, since: 0, now: now)
        for number in 0..<core.trains.count { sendConnected(number, from: listener, now: now) }
      }
    }
    finish(now)
  }

  /// Hands what a listener has just received, from a slot of the batch on, to the core.
  @inline(__always)
  private func take(from listener: Listener, since first: Int, now: Instant) {
    listener.note(queueDrops: bench.received.queueDrops)
    if listener.isServing {
      core.receiveMoreFromClients(bench.received.messages, from: first, on: listener.index, now: now)
    } else {
      dropAll(.addressRemoved, since: first)
    }
  }

  // MARK: Multiplexed

  /// Receives until the socket is empty or the turn is over. What came leaves when the batch is full, or at the end of the
  /// loop's turn together with what other listeners have received.
  private func gather(from listener: Listener, now: Instant) {
    for _ in 0..<Self.batchesPerTurn {
      bench.gathering.join(self, towards: listener.backend)
      let (first, room) = (bench.received.messages.count, bench.received.room)
      do throws(Errno) {
        let count = try bench.received.receiveMore(from: listener.socket.descriptor)
        take(from: listener, since: first, now: now)
        if bench.received.room == 0 { bench.gathering.flush() }
        if count < room { return }
      } catch {
        if error == .again { return }
        // A pending ICMP error comes before the data that waits behind it.
        refusals.tell(.toClient, error)
      }
    }
  }

  /// The workbench is ours until what is gathered from now on has been sent.
  func beginGathering() {
    bench.received.removeAll()
    core.beginBatch()
  }

  /// Sends what was gathered, all of it to one port of the backend. Never inlined, so that a profile does not take it for
  /// the work of whoever called.
  @inline(never)
  func sendGathered(to backend: Endpoint) {
    guard bench.received.messages.count > 0, let upstream = multiplexed else { return }
    let job = TrainSender.Job(
      destination: .multiplexed(backend, firstSource: upstream.firstSource), now: .now, refusals: refusals)
    bench.sender.send(Selection(all: core.trains), of: core.trains, from: bench.received, on: &upstream.sending, job)
    countGathered()
  }

  /// Each listener counts its own. Trains of one listener come one after the other.
  private func countGathered() {
    var number = 0
    while number < core.trains.count {
      let listener = core.trains[number].listener
      var sum = TrainSender.Tally()
      while number < core.trains.count, core.trains[number].listener == listener {
        sum += bench.sender.taken[number]
        if bench.sender.taken[number].datagrams == 0 { core.noteUnsent(core.trains[number]) }
        number += 1
      }
      listeners[listener.position]?.counters.sent(.toBackend, sum)
    }
  }

  // MARK: Connected

  private func sendConnected(_ number: Int, from listener: Listener, now: Instant) {
    let train = core.trains[number]
    // Its session may have had to make room for a later one of the same batch, or have got no socket for an earlier train.
    if let reason = core.loss(of: train) { return counters.drop(reason, train.datagrams) }
    guard let upstream = upstream(of: train, listener: listener, now: now) else {
      return counters.drop(.upstreamUnavailable, train.datagrams)
    }
    let job = TrainSender.Job(destination: .connected, now: now, refusals: refusals)
    let tally = bench.sender.send(
      Selection(number), of: core.trains, from: bench.received, on: &upstream.sending, job)
    listener.counters.sent(.toBackend, tally)
    if tally.datagrams == 0 { core.noteUnsent(train) }
  }

  /// The socket of a train's session, opened now if it is the session's first.
  private func upstream(of train: Train, listener: Listener, now: Instant) -> ConnectedUpstream? {
    if let number = core.upstream(of: train) { return connected[number] }
    do throws(Errno) {
      let upstream = try ConnectedUpstream(
        loop, to: listener.backend, session: train.session, now: now, forwarder: self)
      core.setUpstream(connected.add(upstream), of: train)
      upstream.start()
      return upstream
    } catch {
      core.fail(train, now: now)
      counters.noteUnreachable(error, now)
      refusals.report(.upstreamUnavailable(error))
      return nil
    }
  }
}
