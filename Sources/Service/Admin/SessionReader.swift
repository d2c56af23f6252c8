import EventLoop
import Linux
import Relay

/// Reads the workers' sessions for whoever asks, a page at a time: the next one is asked for when this one has been dealt
/// with, and of all who ask only one has a page under way. So the data plane never does more than one page's work between
/// two looks at its sockets, and nothing piles up.
///
/// Of the control plane's thread.
final class SessionReader {
  /// A part of the sessions of a relay; nil at the end of all.
  typealias Taker = (_ page: SessionPage?, _ relay: RelayID) -> Void

  private struct Errand {
    let cursor: SessionCursor
    let take: Taker
  }

  private let crew: WorkerCrew
  private var waiting: [Errand] = []
  private var current: Errand?
  /// What a worker has read; it comes by way of the loop.
  private let arrived = Guarded<SessionPage?>(nil)
  private var wakeup: Wakeup?

  init(_ loop: Loop, _ crew: WorkerCrew) throws(Errno) {
    self.crew = crew
    wakeup = try Wakeup(loop) { [unowned self] in self.hear() }
  }

  /// Reads the next page.
  ///
  /// - Parameter take: called once, and never before this returns unless there is nothing more.
  func next(_ cursor: SessionCursor, _ take: @escaping Taker) {
    waiting.append(Errand(cursor: cursor, take: take))
    if current == nil { ask() }
  }

  private func ask() {
    while !waiting.isEmpty {
      let errand = waiting.removeFirst()
      guard let place = errand.cursor.place(among: crew.workers.count) else {
        errand.take(nil, RelayID(0))
        continue
      }
      current = errand
      crew.workers[place.worker].readSessions(of: place.relay, from: place.start, errand.cursor.filter) {
        [arrived, wakeup] page in
        arrived.withLock { $0 = page }
        wakeup?.send()
      }
      return
    }
  }

  private func hear() {
    let page = arrived.withLock { page in
      defer { page = nil }
      return page
    }
    guard let page, let errand = current, let place = errand.cursor.place(among: crew.workers.count) else { return }
    current = nil
    errand.cursor.advance(to: page.next)
    errand.take(page, place.relay)
    if current == nil { ask() }
  }
}

/// How far somebody has come who reads all sessions of some relays.
final class SessionCursor {
  let filter: SessionFilter
  private let relays: [RelayID]
  private var relay = 0
  private var worker = 0
  private var start = 0

  /// At the beginning.
  init(_ relays: [RelayID], _ filter: SessionFilter) {
    self.relays = relays
    self.filter = filter
  }

  /// Where to read on; nil when all is read.
  func place(among workers: Int) -> (relay: RelayID, worker: Int, start: Int)? {
    if worker == workers { (relay, worker) = (relay + 1, 0) }
    return relay < relays.count && workers > 0 ? (relays[relay], worker, start) : nil
  }

  /// A page has been read.
  ///
  /// - Parameter next: where it said that the next one begins.
  func advance(to next: Int?) {
    start = next ?? 0
    if next == nil { worker += 1 }
  }
}
