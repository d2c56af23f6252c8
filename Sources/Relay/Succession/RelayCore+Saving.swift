package import Linux

/// What became of sessions that another process has left.
public struct Restored: Hashable, Sendable {
  /// Those that go on.
  public package(set) var sessions: UInt64 = 0
  /// Those that cannot: their listener, or their socket, is not there any more.
  public package(set) var lost: UInt64 = 0

  /// None at all.
  public init() {}

  /// Both together.
  public static func + (a: Restored, b: Restored) -> Restored {
    var sum = a
    sum.sessions += b.sessions
    sum.lost += b.lost
    return sum
  }
}

extension RelayCore {
  /// Writes every session that goes on elsewhere, in the order of recency, and before them which source addresses rest.
  ///
  /// - Parameters:
  ///   - listener: what is left of a listener: its place among those handed over; nil when it is not.
  ///   - upstream: the same of a session's own socket, with what the kernel has told of losses there. Connected only.
  package func save(
    to file: inout ValueWriter, now: Instant, listener: (ListenerIndex) -> UInt32?,
    upstream: (UInt32) -> (place: UInt32, queueDrops: UInt32)?
  ) {
    if sourceRange != nil {
      sources.save(to: &file, resting: sourcesOfThose { listener($0) == nil }, now: now)
    }
    for list in [unreplied, replied] {
      var index = list.oldest
      while index != .none {
        let session = table[index]
        index = session.newer
        guard let listener = listener(session.listener) else { continue }
        let socket = sourceRange == nil ? upstream(session.upstream) : (session.upstream, 0)
        guard let socket else { continue }
        file.put(SavedSession(session, listener: listener, upstream: socket.place, queueDrops: socket.queueDrops))
      }
    }
    file.put(SavedSession.end)
  }

  /// The source addresses of sessions that do not go on.
  private func sourcesOfThose(_ isGone: (ListenerIndex) -> Bool) -> [UInt32] {
    var sources: [UInt32] = []
    for position in 0..<table.firstFresh {
      let session = table[SessionIndex(UInt32(position))]
      if session.state != .free, isGone(session.listener) { sources.append(session.upstream) }
    }
    return sources
  }

  /// Has the sessions go on that another core has written. This one must be new, and of the same plan.
  ///
  /// - Parameters:
  ///   - listener: which listener has that place among those handed over; nil when there is none.
  ///   - upstream: the I/O shell's number of the socket in that place, opened for a session; nil when there is none.
  ///     Connected only.
  /// - Throws: ENODATA, EIO; EINVAL when that is not what was written. Those read before go on.
  package mutating func restore(
    from file: inout ValueReader, now: Instant, listener: (UInt32) -> ListenerIndex?,
    upstream: (SessionIndex, SavedUpstream) -> UInt32?
  ) throws(Errno) -> Restored {
    var restored = Restored()
    if sourceRange != nil { try sources.restore(from: &file) }
    while true {
      let saved = try file.take(SavedSession.self)
      if saved.isEnd { return restored }
      if restore(saved, now, listener(saved.listener), upstream) {
        restored.sessions += 1
      } else {
        restored.lost += 1
      }
    }
  }

  private mutating func restore(
    _ saved: SavedSession, _ now: Instant, _ listener: ListenerIndex?,
    _ upstream: (SessionIndex, SavedUpstream) -> UInt32?
  ) -> Bool {
    guard let listener, !table.isFull else {
      giveUp(saved, now)
      return false
    }
    let hash = table.hash(listener, saved.key)
    if table.find(listener, saved.key, hash: hash) != nil {
      giveUp(saved, now)
      return false
    }
    let index = table.insert(listener, saved.key, hash: hash, now: saved.began)
    guard let number = number(of: saved, for: index, upstream) else {
      table.remove(index)
      return false
    }
    saved.restore(&table[index])
    table[index].upstream = number
    table[index].state = saved.isReplied ? .replied : .unreplied
    if saved.isReplied { replied.append(index, in: &table) } else { unreplied.append(index, in: &table) }
    counters.takeOver()
    setAwaiting(saved.isAwaiting, index)
    return true
  }

  private mutating func number(
    of saved: SavedSession, for index: SessionIndex, _ upstream: (SessionIndex, SavedUpstream) -> UInt32?
  ) -> UInt32? {
    if sourceRange != nil { return sources.claim(saved.upstream, for: index) ? saved.upstream : nil }
    return upstream(index, SavedUpstream(place: saved.upstream, queueDrops: saved.queueDrops))
  }

  /// Nobody has a session's source address any more: it rests.
  private mutating func giveUp(_ saved: SavedSession, _ now: Instant) {
    if sourceRange != nil, sources.claim(saved.upstream, for: .none) { sources.giveBack(saved.upstream, now: now) }
  }
}

/// The socket of a session of a connected upstream, among those handed over.
package struct SavedUpstream: BitwiseCopyable {
  package let place: UInt32
  package let queueDrops: UInt32
}
