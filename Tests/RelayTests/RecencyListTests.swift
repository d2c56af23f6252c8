import Linux
import Relay
import Testing

@Suite struct RecencyListTests {
  @Test func aListOfOneIsOldestAndNewestAtOnce() throws {
    var table = try SessionTable(capacity: 1)
    var list = RecencyList()
    let only = table.insert(ListenerIndex(0), client(0), hash: 0, now: Instant(nanoseconds: 0))
    list.append(only, in: &table)
    list.moveToNewest(only, in: &table)
    #expect(list.oldest == only && list.newest == only && list.count == 1)
    list.remove(only, in: &table)
    #expect(list.oldest == .none && list.newest == .none && list.count == 0)
  }

  @Test(arguments: [(0, [1, 2, 0]), (1, [0, 2, 1]), (2, [0, 1, 2])])
  func activityMakesTheNewestOfAnySession(of moved: Int, order: [Int]) throws {
    var three = try Three()
    three.list.moveToNewest(three.places[moved], in: &three.table)
    let expected = order.map { three.places[$0] }
    #expect(Self.order(three.list, three.table) == expected)
  }

  @Test(arguments: [(0, [1, 2]), (1, [0, 2]), (2, [0, 1])])
  func theRestStaysInOrderWhenOneLeaves(_ removed: Int, order: [Int]) throws {
    var three = try Three()
    three.list.remove(three.places[removed], in: &three.table)
    let expected = order.map { three.places[$0] }
    #expect(Self.order(three.list, three.table) == expected)
    #expect([three.list.oldest, three.list.newest] == expected)
  }

  @Test func twoListsShareATableAndAgreeWithArrays() throws {
    var dice = Dice(seed: 2)
    var table = try SessionTable(capacity: 20)
    let places = (0..<20).map {
      table.insert(ListenerIndex(0), client($0), hash: UInt32($0), now: Instant(nanoseconds: 0))
    }
    var lists = (RecencyList(), RecencyList())
    var arrays: ([SessionIndex], [SessionIndex]) = ([], [])
    for _ in 0..<20_000 {
      let place = dice.pick(places)
      if arrays.0.contains(place) {
        // Moves on to the other list, or becomes the newest of this one.
        if dice.percent(50) {
          lists.0.remove(place, in: &table)
          lists.1.append(place, in: &table)
          arrays.1.append(place)
        } else {
          lists.0.moveToNewest(place, in: &table)
        }
        arrays.0 = arrays.0.filter { $0 != place } + (arrays.1.contains(place) ? [] : [place])
      } else if arrays.1.contains(place) {
        lists.1.remove(place, in: &table)
        arrays.1.removeAll { $0 == place }
      } else {
        lists.0.append(place, in: &table)
        arrays.0.append(place)
      }
      try #require(Self.order(lists.0, table) == arrays.0)
      try #require(Self.order(lists.1, table) == arrays.1)
    }
  }

  /// Three sessions, in the order of their numbers.
  private struct Three: ~Copyable {
    var table: SessionTable
    var list = RecencyList()
    var places: [SessionIndex] = []

    init() throws {
      table = try SessionTable(capacity: 3)
      for number in 0..<3 {
        let place = table.insert(ListenerIndex(0), client(number), hash: 0, now: Instant(nanoseconds: 0))
        list.append(place, in: &table)
        places.append(place)
      }
    }
  }

  private static func order(_ list: RecencyList, _ table: borrowing SessionTable) -> [SessionIndex] {
    var order: [SessionIndex] = []
    var next = list.oldest
    while next != .none, order.count <= list.count {
      order.append(next)
      next = table[next].newer
    }
    return order
  }
}
