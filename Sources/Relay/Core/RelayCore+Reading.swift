import Linux

extension RelayCore {
  /// Shows the sessions in some places of the table. A session never moves: whoever goes through all the places in turn
  /// meets each one that lives throughout exactly once, whatever begins and ends meanwhile.
  ///
  /// - Parameters:
  ///   - start: where the last call left off; 0 to begin.
  ///   - limit: how many places to look at.
  /// - Returns: where to go on, or nil when the whole table has been looked through.
  package func readSessions(from start: Int, limit: Int, _ read: (Session) -> Void) -> Int? {
    let stop = min(start + limit, table.firstFresh)
    guard start < stop else { return nil }
    for position in start..<stop {
      let index = SessionIndex(UInt32(position))
      if table[index].state != .free { read(table[index]) }
    }
    return stop < table.firstFresh ? stop : nil
  }
}
