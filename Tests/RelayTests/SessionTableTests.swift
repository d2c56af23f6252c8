import Linux
import Relay
import Testing

@Suite struct SessionTableTests {
  private let listener = ListenerIndex(0)
  private let now = Instant(nanoseconds: 1)

  @Test func aSessionTakesAtMost128Bytes() {
    #expect(MemoryLayout<Session>.stride <= 128)
  }

  @Test func aTableOfOneHoldsOne() throws {
    var table = try SessionTable(capacity: 1)
    #expect(table.find(listener, client(0), hash: 7) == nil)
    let index = table.insert(listener, client(0), hash: 7, now: now)
    #expect(table.count == table.capacity)
    #expect(table.find(listener, client(0), hash: 7) == index)
    #expect(table.find(listener, client(1), hash: 7) == nil)
    table.remove(index)
    #expect(table.count == 0)
    #expect(table.find(listener, client(0), hash: 7) == nil)
  }

  @Test func listenerAddressPortAndScopeTellSessionsApart() throws {
    var table = try SessionTable(capacity: 8)
    let linkLocal = IPAddress(v6: 0xfe80 << 48, 1)
    let keys: [(ListenerIndex, Endpoint)] = [
      (ListenerIndex(0), Endpoint(linkLocal.scoped(1), 5)), (ListenerIndex(1), Endpoint(linkLocal.scoped(1), 5)),
      (ListenerIndex(0), Endpoint(linkLocal.scoped(2), 5)), (ListenerIndex(0), Endpoint(linkLocal.scoped(1), 6)),
      (ListenerIndex(0), Endpoint(IPAddress(v6: 0xfe80 << 48, 2, scope: 1), 5)),
    ]
    // One hash for all: only the comparison of keys is left.
    let places = keys.map { table.insert($0.0, $0.1, hash: 0, now: now) }
    #expect(Set(places).count == keys.count)
    for (key, place) in zip(keys, places) {
      #expect(table.find(key.0, key.1, hash: 0) == place)
      #expect(table[place].client == key.1 && table[place].listener == key.0)
    }
  }

  /// Four sessions in a table of eight buckets, with every choice of home buckets, taken out in every order: each
  /// constellation of probes, the one around the table's end included.
  @Test func everyOtherSessionIsFoundAfterARemovalHoweverTheyCollide() throws {
    var table = try SessionTable(capacity: 4)
    let orders = Self.permutations([0, 1, 2, 3])
    var lost = 0
    for homes in 0..<4_096 {
      // The higher bits differ, so that full hashes are compared, too.
      let hashes = (0..<4).map { UInt32(homes >> ($0 * 3) & 7 | $0 << 20) }
      for order in orders {
        let places = (0..<4).map { table.insert(listener, client($0), hash: hashes[$0], now: now) }
        for (removed, number) in order.enumerated() {
          table.remove(places[number])
          if table.find(listener, client(number), hash: hashes[number]) != nil { lost += 1 }
          for other in order[(removed + 1)...]
          where table.find(listener, client(other), hash: hashes[other]) != places[other] { lost += 1 }
        }
      }
    }
    #expect(lost == 0)
    #expect(table.count == 0)
  }

  @Test func aTableAgreesWithADictionaryThroughAHundredThousandChanges() throws {
    var dice = Dice(seed: 1)
    var table = try SessionTable(capacity: 50)
    var dictionary: [Int: SessionIndex] = [:]
    // 128 buckets; homes only where the probes of many sessions meet and run over the end.
    let hash = { (number: Int) in UInt32(120 + number % 12) | UInt32(number % 3) << 24 }
    for _ in 0..<100_000 {
      let number = dice.below(80)
      let found = table.find(listener, client(number), hash: hash(number))
      try #require(found == dictionary[number])
      if let found {
        table.remove(found)
        dictionary[number] = nil
      } else if table.count < table.capacity {
        dictionary[number] = table.insert(listener, client(number), hash: hash(number), now: now)
      }
      try #require(table.count == dictionary.count)
    }
    #expect(Set(dictionary.values).count == dictionary.count)
  }

  @Test func placesOfEndedSessionsAreUsedBeforeFreshOnes() throws {
    var table = try SessionTable(capacity: 1_000)
    var places: Set<SessionIndex> = []
    for number in 0..<10_000 {
      let first = table.insert(listener, client(number), hash: 1, now: now)
      let second = table.insert(listener, client(number), hash: 2, now: now)
      places.formUnion([first, second])
      table.remove(first)
      table.remove(second)
    }
    #expect(places.count == 2)
  }

  private static func permutations(_ items: [Int]) -> [[Int]] {
    if items.isEmpty { return [[]] }
    return items.flatMap { item in permutations(items.filter { $0 != item }).map { [item] + $0 } }
  }
}
