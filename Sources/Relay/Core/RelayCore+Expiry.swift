package import Linux

extension RelayCore {
  /// When the next session expires; nil when there is none.
  package var nextExpiry: Instant? {
    let unrepliedEnd = unreplied.isEmpty ? nil : table[unreplied.oldest].lastActive + ends.unrepliedTimeout
    let repliedEnd = replied.isEmpty ? nil : table[replied.oldest].lastActive + ends.idleTimeout
    guard let unrepliedEnd else { return repliedEnd }
    guard let repliedEnd else { return unrepliedEnd }
    return min(unrepliedEnd, repliedEnd)
  }

  /// Ends sessions whose time is up, the oldest first, at most `limit` of them, so that no datagram waits for long.
  ///
  /// - Returns: how many ended.
  @discardableResult
  package mutating func expire(now: Instant, limit: Int) -> Int {
    var ended = 0
    while ended < limit, !unreplied.isEmpty, table[unreplied.oldest].lastActive + ends.unrepliedTimeout <= now {
      end(unreplied.oldest, .unreplied, now: now)
      ended += 1
    }
    while ended < limit, !replied.isEmpty, table[replied.oldest].lastActive + ends.idleTimeout <= now {
      end(replied.oldest, .idle, now: now)
      ended += 1
    }
    return ended
  }

  /// Ends the sessions of listeners that are gone, looking at most at `limit` places of the table and ending at most `ends`
  /// of them.
  ///
  /// - Parameters:
  ///   - start: where the last call left off; 0 to begin.
  ///   - whyGone: why a listener is gone; nil when it is not.
  /// - Returns: where to go on, or nil when the whole table has been looked through.
  package mutating func sweep(
    from start: Int, limit: Int, ends: Int = .max, now: Instant, whyGone: (ListenerIndex) -> EndReason?
  ) -> Int? {
    let stop = min(start + limit, table.firstFresh)
    guard start < stop else { return nil }
    var ended = 0
    for position in start..<stop {
      let index = SessionIndex(UInt32(position))
      guard table[index].state != .free, let reason = whyGone(table[index].listener) else { continue }
      if ended == ends { return position }
      end(index, reason, now: now)
      ended += 1
    }
    return stop < table.firstFresh ? stop : nil
  }
}
