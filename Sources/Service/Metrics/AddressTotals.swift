import Linux
import Relay

/// What listeners count, over all ports of an address and all workers.
struct AddressTotals {
  /// Of one address.
  struct Total {
    private var counted: [ListenerCounters] = []

    mutating func add(_ counters: [ListenerCounters]) { counted += counters }

    func datagrams(in direction: Direction) -> UInt64 { counted.reduce(0) { $0 + $1.datagrams(direction) } }
    func bytes(in direction: Direction) -> UInt64 { counted.reduce(0) { $0 + $1.bytes(direction) } }
    var queueDrops: UInt64 { counted.reduce(0) { $0 + $1.receiveQueueDrops } }
  }

  private let totals: [RelayID: [(address: String, total: Total)]]

  init(_ crew: WorkerCrew) {
    var totals: [RelayID: [IPAddress: Total]] = [:]
    for (key, counters) in crew.counters {
      totals[key.relay, default: [:]][key.endpoint.address, default: Total()].add(counters)
    }
    self.totals = totals.mapValues { all in
      all.map { (address: "\($0.key)", total: $0.value) }.sorted { $0.address < $1.address }
    }
  }

  /// Each direction of each address of a relay.
  func samples(
    of relay: WorkerCrew.Running, _ value: (Total, Direction) -> UInt64
  ) -> [(labels: [String], value: Exposition.Value)] {
    totals[relay.configuration.id, default: []].flatMap { address, total in
      Direction.allCases.map { ([relay.name, address, $0.label], .count(value(total, $0))) }
    }
  }

  /// Each address of a relay.
  func queueDrops(of relay: WorkerCrew.Running) -> [(labels: [String], value: Exposition.Value)] {
    totals[relay.configuration.id, default: []].map { ([relay.name, $0.address], .count($0.total.queueDrops)) }
  }
}
