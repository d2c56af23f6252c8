/// Sessions in the order of their last activity, chained through the sessions themselves.
///
/// All sessions of one list have the same timeout, so the order of recency is the order of expiry: nothing is ever sorted,
/// and no session needs a timer.
package struct RecencyList {
  /// The next to expire.
  package private(set) var oldest = SessionIndex.none
  package private(set) var newest = SessionIndex.none
  package private(set) var count = 0

  /// None.
  package init() {}

  var isEmpty: Bool { count == 0 }

  package mutating func append(_ index: SessionIndex, in table: inout SessionTable) {
    table[index].newer = .none
    table[index].older = newest
    if newest == .none { oldest = index } else { table[newest].newer = index }
    newest = index
    count &+= 1
  }

  package mutating func remove(_ index: SessionIndex, in table: inout SessionTable) {
    let newer = table[index].newer
    let older = table[index].older
    if older == .none { oldest = newer } else { table[older].newer = newer }
    if newer == .none { newest = older } else { table[newer].older = older }
    count &-= 1
  }

  @inline(__always)
  package mutating func moveToNewest(_ index: SessionIndex, in table: inout SessionTable) {
    if index == newest { return }
    remove(index, in: &table)
    append(index, in: &table)
  }
}
