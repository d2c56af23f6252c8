import Linux
import Relay
import Testing

@Suite struct CountersTests {
  @Test func aListenerCountsEachDirectionApart() {
    let counters = ListenerCounters()
    counters.sent(.toBackend, datagrams: 3, bytes: 300)
    counters.sent(.toClient, datagrams: 2, bytes: 0)
    counters.sent(.toBackend, datagrams: 1, bytes: 1)
    counters.lostInQueue(7)
    #expect(counters.datagrams(.toBackend) == 4 && counters.bytes(.toBackend) == 301)
    #expect(counters.datagrams(.toClient) == 2 && counters.bytes(.toClient) == 0)
    #expect(counters.receiveQueueDrops == 7)
  }

  @Test func sendErrorsAreCountedByDirectionAndErrno() {
    let counters = RelayCounters()
    counters.refuse(.toBackend, .connectionRefused, 2)
    counters.refuse(.toClient, .notPermitted, 1)
    counters.refuse(.toClient, .notPermitted, 64)
    #expect(counters.sendErrors(.toBackend, .connectionRefused) == 2)
    #expect(counters.sendErrors(.toClient, .connectionRefused) == 0)
    #expect(counters.sendErrors(.toBackend).map(\.errno) == [.connectionRefused])
    #expect(counters.sendErrors(.toClient).map(\.errno) == [.notPermitted])
    #expect(counters.sendErrors(.toClient).map(\.count) == [65])
  }

  @Test(arguments: [1, 133, 134, 9_999])
  func anErrnoThatIsNotKnownIsCountedWithoutHarm(_ number: Int32) {
    let counters = RelayCounters()
    counters.refuse(.toClient, Errno(number), 1)
    #expect(counters.sendErrors(.toClient).map(\.count) == [1])
    #expect(counters.sendErrors(.toBackend).isEmpty)
    #expect(counters.sendErrors(.toClient, Errno(number)) == 1)
  }

  /// The labels are a contract with whoever reads the metrics.
  @Test func everyReasonHasALabelOfItsOwn() {
    #expect(
      DropReason.allCases.map(\.label) == [
        "truncated", "source_port_zero", "invalid_source", "own_upstream", "hop_limit", "too_large", "table_full",
        "sources_exhausted", "upstream_unavailable", "draining", "address_removed", "late_reply", "unexpected_source",
      ])
    #expect(
      EndReason.allCases.map(\.label) == [
        "idle", "unreplied", "evicted", "responses", "address_removed", "service_gone", "reconfigured",
        "upstream_unavailable",
      ])
    #expect(Direction.allCases.map(\.label) == ["to_backend", "to_client"])
  }
}
