import Linux
import Relay
import Testing

/// How keys of the session table are spread.
@Suite struct KeyHashTests {
  private let listener = ListenerIndex(0)

  @Test func aKeyHasOneHashInATableAndAnotherInAnother() throws {
    let table = try SessionTable(capacity: 4)
    let other = try SessionTable(capacity: 4)
    let client = Endpoint(IPAddress(v4: 0xc000_0201), 53)
    #expect(table.hash(listener, client) == table.hash(listener, client))
    // Equal by chance once in 2^32 runs.
    #expect(table.hash(listener, client) != other.hash(listener, client))
  }

  /// Every part of a key counts.
  @Test func keysThatDifferInOnePartDiffer() throws {
    let table = try SessionTable(capacity: 4)
    let address = IPAddress(v6: 0xfe80_0000_0000_0000, 1, scope: 2)
    let hashes = [
      table.hash(listener, Endpoint(address, 53)),
      table.hash(ListenerIndex(1), Endpoint(address, 53)),
      table.hash(listener, Endpoint(address, 54)),
      table.hash(listener, Endpoint(IPAddress(v6: 0xfe80_0000_0000_0000, 1, scope: 3), 53)),
      table.hash(listener, Endpoint(IPAddress(v6: 0xfe80_0000_0000_0000, 2, scope: 2), 53)),
      table.hash(listener, Endpoint(IPAddress(v6: 0xfe80_0000_0000_0000, 1 << 32 | 1, scope: 2), 53)),
      table.hash(listener, Endpoint(IPAddress(v6: 0xfe80_0000_0000_0001, 1, scope: 2), 53)),
      table.hash(listener, Endpoint(IPAddress(v6: 0xfe80_0001_0000_0000, 1, scope: 2), 53)),
    ]
    #expect(Set(hashes).count == hashes.count)
  }

  /// Neighbours in a network, as clients are, spread like thrown dice: of 65,536 in as many places, a place has more than
  /// twelve once in 200,000 runs, and 41,427 places are taken, give or take a hundred.
  @Test(arguments: [0, 8, 16])
  func neighboursSpreadOverTheTable(shift: UInt32) throws {
    let table = try SessionTable(capacity: 4)
    var places = [Int](repeating: 0, count: 1 << 16)
    for number in 0..<(1 << 16) as Range<UInt32> {
      let client = Endpoint(IPAddress(v4: number << shift), 4000)
      places[Int(table.hash(listener, client) & 0xffff)] += 1
    }
    #expect(places.max() ?? 0 <= 12)
    #expect((40_500...42_500).contains(places.filter { $0 > 0 }.count))
  }
}
