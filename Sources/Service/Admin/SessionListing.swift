import HTTP
import Linux
import Relay

/// The answer to /sessions: one object, with a session on each line between the first line and the last.
///
/// In an order, a bounded number of them: all are read, and only the first kept. All of them, as they come: page by page, as
/// fast as whoever asked reads.
final class SessionListing {
  private static let head = Array("{\"sessions\":[\n".utf8)

  private let reader: SessionReader
  private let names: RelayNames
  private let cursor: SessionCursor
  private var first: FirstSessions?
  private var matching = 0
  private var written = 0
  private var hasBegun = false
  private var hasEnded = false
  /// Called when it is over, or nobody reads it any more.
  private let done: () -> Void

  init(
    _ query: SessionQuery, of relays: [RelayID], _ reader: SessionReader, _ names: RelayNames,
    done: @escaping () -> Void
  ) {
    self.reader = reader
    self.names = names
    self.done = done
    cursor = SessionCursor(relays, query.filter)
    first = query.limit > 0 ? FirstSessions(query.order, limit: query.limit) : nil
  }

  deinit { done() }

  /// Where the body comes from.
  var pieces: Pieces { Pieces { [self] give in next(give) } }

  private func next(_ give: @escaping Pieces.Give) {
    if hasEnded { return give(nil) }
    if !hasBegun {
      hasBegun = true
      return give(Self.head)
    }
    reader.next(cursor) { [self] page, relay in take(page, of: relay, give) }
  }

  private func take(_ page: SessionPage?, of relay: RelayID, _ give: @escaping Pieces.Give) {
    guard let page else { return give(end()) }
    matching += page.rows.count
    if first != nil {
      for row in page.rows { first?.offer(row, of: relay) }
    } else if !page.rows.isEmpty {
      let name = names[relay]
      return give(text(of: page.rows.map { (name, $0) }))
    }
    next(give)
  }

  private func end() -> [UInt8] {
    hasEnded = true
    let text = text(of: first?.sorted.map { (names[$0.relay], $0.row) } ?? [])
    return text + Array("\(written > 0 ? "\n" : "")],\"matching\":\(matching)}\n".utf8)
  }

  private func text(of rows: [(relay: String, row: SessionRow)]) -> [UInt8] {
    let now = Instant.now
    var bytes: [UInt8] = []
    bytes.reserveCapacity(rows.count * 256)
    for (relay, row) in rows {
      if written > 0 { bytes += Array(",\n".utf8) }
      SessionText(relay: relay, row, now: now).append(to: &bytes)
      written += 1
    }
    return bytes
  }
}
