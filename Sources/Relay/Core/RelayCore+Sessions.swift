import Linux

// What becomes of sessions: replies, refreshing, the end.
extension RelayCore {
  /// The session whose source address a reply was sent to.
  @inline(__always)
  func session(askedFrom destination: UInt32) -> SessionIndex? {
    guard let sourceRange, destination >= sourceRange.first else { return nil }
    return sources.session(of: destination &- sourceRange.first)
  }

  @inline(__always)
  mutating func answer(_ index: SessionIndex, _ message: ReceivedMessage, slot: Int, now: Instant) {
    guard isBackend(message.peer, of: table[index].listener) else {
      return counters.drop(.unexpectedSource, message.datagrams)
    }
    if let reason = refusal(of: message, towardsIPv4: table[index].client.address.isIPv4) {
      return counters.drop(reason, message.datagrams)
    }
    table[index].noteReply(message, now: now)
    setAwaiting(false, index)
    if table[index].state == .unreplied {
      unreplied.remove(index, in: &table)
      replied.append(index, in: &table)
      table[index].state = .replied
    }
    refresh(index)
    trains.add(slot: slot, message, to: &table[index], at: index, hopLimit: 0)
    if ends.responses > 0, table[index].replies >= ends.responses { end(index, .responses, now: now) }
  }

  @inline(__always)
  private func isBackend(_ peer: Endpoint, of listener: ListenerIndex) -> Bool {
    guard peer.address == plan.backend, plan.backendPorts.contains(peer.port) else { return false }
    if plan.backendPorts.count == 1 || listener.position >= backendPorts.count { return true }
    return peer.port == backendPorts[listener.position]
  }

  @inline(__always)
  mutating func refresh(_ index: SessionIndex) {
    if table[index].state == .replied {
      replied.moveToNewest(index, in: &table)
    } else {
      unreplied.moveToNewest(index, in: &table)
    }
  }

  /// Notes who has spoken last, for whoever wants to know whether replies are still to come.
  @inline(__always)
  mutating func setAwaiting(_ isAwaiting: Bool, _ index: SessionIndex) {
    if table[index].isAwaiting == isAwaiting { return }
    table[index].isAwaiting = isAwaiting
    counters.noteAwaiting(isAwaiting ? 1 : -1)
  }

  /// Nothing of a train was sent, so nobody will reply to it: its client waits in vain.
  package mutating func noteUnsent(_ train: Train) {
    if table[train.session].generation == train.generation { setAwaiting(false, train.session) }
  }

  /// A session's backend was not there for what was sent last: nobody will reply.
  package mutating func noteUnreachable(_ index: SessionIndex) { setAwaiting(false, index) }

  mutating func end(_ index: SessionIndex, _ reason: EndReason, now: Instant) {
    let session = table[index]
    if session.state == .replied {
      replied.remove(index, in: &table)
    } else {
      unreplied.remove(index, in: &table)
    }
    if session.upstream != Session.noUpstream {
      if sourceRange != nil {
        sources.giveBack(session.upstream, now: now)
      } else {
        endedUpstreams.append(session.upstream)
      }
    }
    setAwaiting(false, index)
    endedSessions.add(session, reason, now)
    table.remove(index)
    counters.end(reason)
  }
}
