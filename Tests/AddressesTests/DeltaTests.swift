import Addresses
import Testing

@Suite struct DeltaTests {
  @Test(
    arguments: [
      ([], [], [], []), ([1, 2], [1, 2], [], []), ([1, 2], [2, 1], [], []), ([], [3, 1], [3, 1], []),
      ([3, 1], [], [], [3, 1]), ([1, 2, 3], [4, 3, 5], [4, 5], [1, 2]),
    ] as [([Int], [Int], [Int], [Int])])
  func whatIsNewAndWhatIsGoneKeepsItsOrder(old: [Int], new: [Int], added: [Int], removed: [Int]) {
    let delta = Delta(from: old, to: new)
    #expect(delta.added == added)
    #expect(delta.removed == removed)
    #expect(delta.isEmpty == (added.isEmpty && removed.isEmpty))
  }

  @Test func thereAndBackAgainIsTheOpposite() {
    let there = Delta(from: ["a", "b", "c"], to: ["c", "d"])
    let back = Delta(from: ["c", "d"], to: ["a", "b", "c"])
    #expect(there.added == back.removed && there.removed == back.added)
  }
}
