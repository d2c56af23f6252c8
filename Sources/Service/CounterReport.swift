import Linux
import Logging
import Relay

/// Every counter of the process as one value, for the log: each relay's listeners first, then drops, refusals and sessions,
/// in the order of a datagram's life. What is zero is left out where there are many of a kind.
struct CounterReport {
  let crew: WorkerCrew
  let addressChanges: UInt64

  var metadata: Logger.MetadataValue {
    [
      "address_changes": number(addressChanges),
      "relays": .array(crew.relays.sorted { $0.key < $1.key }.map { relay($0.key, $0.value) }),
    ]
  }

  private func relay(_ id: RelayID, _ running: WorkerCrew.Running) -> Logger.MetadataValue {
    let counted = running.counters
    return [
      "name": "\(running.configuration.name)",
      "listeners": .array(listeners(of: id)),
      "dropped": byLabel(DropReason.allCases.map { reason in (reason.label, sum(counted) { $0.dropped(reason) }) }),
      "send_errors": .dictionary(sendErrors(counted)),
      "sessions": number(sum(counted, \.sessions)),
      "sessions_created": number(sum(counted, \.sessionsCreated)),
      "sessions_ended": byLabel(EndReason.allCases.map { reason in (reason.label, sum(counted) { $0.ended(reason) }) }),
      "upstream_queue_drops": number(sum(counted, \.upstreamQueueDrops)),
    ]
  }

  private func listeners(of relay: RelayID) -> [Logger.MetadataValue] {
    crew.counters.filter { $0.key.relay == relay }
      .sorted { "\($0.key.endpoint)" < "\($1.key.endpoint)" }
      .map { listener($0.key.endpoint, $0.value) }
  }

  private func listener(_ endpoint: Endpoint, _ counted: [ListenerCounters]) -> Logger.MetadataValue {
    var value: Logger.Metadata = [
      "address": "\(endpoint.address)", "port": .stringConvertible(endpoint.port),
      "receive_queue_drops": number(counted.reduce(0) { $0 + $1.receiveQueueDrops }),
    ]
    for direction in Direction.allCases {
      value[direction.label] = [
        "datagrams": number(counted.reduce(0) { $0 + $1.datagrams(direction) }),
        "bytes": number(counted.reduce(0) { $0 + $1.bytes(direction) }),
      ]
    }
    return .dictionary(value)
  }

  private func sendErrors(_ counted: [RelayCounters]) -> Logger.Metadata {
    var value: Logger.Metadata = [:]
    for direction in Direction.allCases {
      var sums: [String: UInt64] = [:]
      for (errno, count) in counted.flatMap({ $0.sendErrors(direction) }) { sums[errno.name, default: 0] += count }
      value[direction.label] = byLabel(sums.map { ($0.key, $0.value) })
    }
    return value
  }

  private func byLabel(_ counts: [(String, UInt64)]) -> Logger.MetadataValue {
    .dictionary(Dictionary(uniqueKeysWithValues: counts.filter { $0.1 > 0 }.map { ($0.0, number($0.1)) }))
  }

  private func number(_ value: UInt64) -> Logger.MetadataValue { .stringConvertible(value) }

  private func sum(_ counted: [RelayCounters], _ value: (RelayCounters) -> UInt64) -> UInt64 {
    counted.reduce(0) { $0 + value($1) }
  }
}
