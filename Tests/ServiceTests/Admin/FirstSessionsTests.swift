import Linux
import Relay
import Service
import Testing

/// The first of very many, kept in a heap.
@Suite struct FirstSessionsTests {
  private func row(_ number: Int, began: UInt64 = 0, active: UInt64 = 0, datagrams: UInt64 = 0, bytes: UInt64 = 0)
    -> SessionRow
  {
    SessionRow(
      client: Endpoint(IPAddress(v4: 0x0a00_0000 + UInt32(number)), 1_000), asked: Endpoint(.loopbackIPv4, 53),
      began: Instant(nanoseconds: began), lastActive: Instant(nanoseconds: active),
      toBackend: Traffic(datagrams: datagrams, bytes: bytes), toClient: Traffic(), isReplied: true, upstream: .none)
  }

  private func kept(_ order: SessionOrder, _ limit: Int, _ rows: [SessionRow]) -> [SessionRow] {
    var first = FirstSessions(order, limit: limit)
    for row in rows { first.offer(row, of: RelayID(0)) }
    #expect(first.offered == rows.count)
    return first.sorted.map(\.row)
  }

  /// The same as when all were sorted, in whatever order they come.
  @Test(arguments: [1, 2, 3, 10, 99, 100, 101, 1_000])
  func theFirstAreThoseOfAllSorted(_ limit: Int) {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20 {
      let rows = (0..<200).map { row($0, bytes: UInt64.random(in: 0..<50, using: &generator)) }.shuffled()
      let sorted = rows.sorted {
        ($1.toBackend.bytes, $0.client.address.v4) < ($0.toBackend.bytes, $1.client.address.v4)
      }
      #expect(kept(.bytes, limit, rows) == Array(sorted.prefix(limit)))
    }
  }

  @Test func eachOrderGoesByItsOwn() {
    let rows = [
      row(0, began: 10, active: 90, datagrams: 5, bytes: 1), row(1, began: 30, active: 40, datagrams: 9, bytes: 2),
      row(2, began: 20, active: 70, datagrams: 1, bytes: 3),
    ]
    let orders: [(SessionOrder, [Int])] = [
      (.age, [0, 2, 1]), (.idle, [1, 2, 0]), (.recent, [0, 2, 1]), (.datagrams, [1, 0, 2]), (.bytes, [2, 1, 0]),
    ]
    for (order, wanted) in orders { #expect(kept(order, 3, rows) == wanted.map { rows[$0] }, "\(order)") }
  }
}
