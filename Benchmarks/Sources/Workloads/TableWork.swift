import Linux
import Relay

/// The client of a number: as on a busy server, addresses and ports differ.
@inline(__always)
func client(_ number: Int) -> Endpoint {
  let bits = 0x0a80_0000 &+ UInt32(truncatingIfNeeded: number)
  return Endpoint(IPAddress(v4: bits), UInt16(truncatingIfNeeded: 40_000 &+ number))
}

let listener = ListenerIndex(0)

/// Ten thousand more than any workload needs.
private let roomForMore = 20_000

extension SessionTable {
  fileprivate init(of sessions: Int) throws {
    try self.init(capacity: sessions + roomForMore)
    for number in 0..<sessions { add(client(number)) }
  }

  @inline(__always)
  fileprivate mutating func add(_ client: Endpoint) {
    _ = insert(listener, client, hash: hash(listener, client), now: Instant(nanoseconds: 1))
  }
}

/// Finds the sessions of clients, in no order that a cache would like.
final class LookUp: Work {
  enum Outcome {
    case hit
    case miss
  }

  private let table: SessionTable
  private let sessions: Int
  private let first: Int
  private var found = 0

  init(_ outcome: Outcome, sessions: Int) throws {
    table = try SessionTable(of: sessions)
    self.sessions = sessions
    first = outcome == .hit ? 0 : sessions
  }

  func prepare(_ operations: Int) {}

  func run(_ operations: Int) {
    var number = 0
    for _ in 0..<operations {
      // A prime, so that every client is asked for before one is asked for again.
      number = (number &+ 7_919) % sessions
      let key = client(first &+ number)
      if table.find(listener, key, hash: table.hash(listener, key)) != nil { found &+= 1 }
    }
  }
}

/// Begins sessions in the table.
final class Insertion: Work {
  private var table: SessionTable
  private let sessions: Int
  private var inserted = 0

  init(sessions: Int) throws {
    table = try SessionTable(of: sessions)
    self.sessions = sessions
  }

  func prepare(_ operations: Int) {
    for number in 0..<inserted {
      let key = client(sessions + number)
      if let index = table.find(listener, key, hash: table.hash(listener, key)) { table.remove(index) }
    }
    inserted = operations
  }

  func run(_ operations: Int) {
    for number in 0..<operations { table.add(client(sessions &+ number)) }
  }
}
