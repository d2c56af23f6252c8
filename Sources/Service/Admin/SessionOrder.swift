import Linux
package import Relay

/// By what sessions are put in order: the greatest first.
package enum SessionOrder: String, CaseIterable, Sendable {
  /// How long ago it began.
  case age
  /// How long ago the last datagram came.
  case idle
  /// How short a time ago the last datagram came.
  case recent
  /// Datagrams of both directions.
  case datagrams
  /// Bytes of both directions.
  case bytes

  /// What it goes by; comparable among sessions that were read at whatever moments.
  func weight(_ row: SessionRow) -> UInt64 {
    switch self {
    case .age: .max - row.began.nanoseconds
    case .idle: .max - row.lastActive.nanoseconds
    case .recent: row.lastActive.nanoseconds
    case .datagrams: row.toBackend.datagrams &+ row.toClient.datagrams
    case .bytes: row.toBackend.bytes &+ row.toClient.bytes
    }
  }
}

/// The first of very many sessions, in some order: never more memory than so many take.
///
/// A binary heap with the least of them on top, which gives way to whatever is greater.
package struct FirstSessions {
  /// A session and whose it is.
  package struct Entry: Hashable, Sendable {
    package let relay: RelayID
    package let row: SessionRow
    fileprivate let weight: UInt64
  }

  private let order: SessionOrder
  private let limit: Int
  private var heap: [Entry] = []
  /// How many were offered.
  package private(set) var offered = 0

  /// None yet.
  ///
  /// - Parameter limit: how many are kept, at least 1.
  package init(_ order: SessionOrder, limit: Int) {
    precondition(limit > 0)
    self.order = order
    self.limit = limit
  }

  /// Keeps a session if it is among the first.
  package mutating func offer(_ row: SessionRow, of relay: RelayID) {
    offered += 1
    let entry = Entry(relay: relay, row: row, weight: order.weight(row))
    if heap.count < limit {
      heap.append(entry)
      rise(heap.count - 1)
    } else if Self.isBefore(entry, heap[0]) {
      heap[0] = entry
      sink()
    }
  }

  /// Those that were kept, in order.
  package var sorted: [Entry] { heap.sorted(by: Self.isBefore) }

  /// Among equals by their clients, so that an answer does not depend on where sessions lie.
  private static func isBefore(_ a: Entry, _ b: Entry) -> Bool {
    if a.weight != b.weight { return a.weight > b.weight }
    if a.row.client != b.row.client { return key(a.row.client) < key(b.row.client) }
    return key(a.row.asked) < key(b.row.asked)
  }

  private static func key(_ endpoint: Endpoint) -> (UInt64, UInt64, UInt32, UInt16) {
    (endpoint.address.high, endpoint.address.low, endpoint.address.scope, endpoint.port)
  }

  private mutating func rise(_ start: Int) {
    var place = start
    while place > 0 {
      let parent = (place - 1) / 2
      guard Self.isBefore(heap[parent], heap[place]) else { return }
      heap.swapAt(parent, place)
      place = parent
    }
  }

  private mutating func sink() {
    var place = 0
    while true {
      var last = place
      for child in [2 * place + 1, 2 * place + 2] where child < heap.count && Self.isBefore(heap[last], heap[child]) {
        last = child
      }
      if last == place { return }
      heap.swapAt(place, last)
      place = last
    }
  }
}
