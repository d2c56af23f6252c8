import Linux
import Relay

/// Every metric of the process at one moment, read beside the workers that go on counting.
struct MetricsReport {
  private typealias Samples = [(labels: [String], value: Exposition.Value)]

  /// These errors are there from the start with 0, so that their rate is known when the first one comes. Others appear when
  /// they occur.
  private static let commonErrors: [Errno] = [
    .connectionRefused, .notPermitted, .networkUnreachable, .hostUnreachable, .messageTooLong, .again, .noBuffers,
  ]

  let crew: WorkerCrew
  let keeper: ListenerKeeper
  let limits: HostLimits
  let reloads: ReloadTally

  /// All of it, in the order of `Metric`.
  var text: String {
    var exposition = Exposition()
    let relays = crew.relays.sorted { $0.value.configuration.name < $1.value.configuration.name }.map(\.value)
    addTraffic(of: relays, to: &exposition)
    addSessions(of: relays, to: &exposition)
    addState(of: relays, to: &exposition)
    addProcess(to: &exposition)
    return exposition.text
  }

  // MARK: Datagrams

  private func addTraffic(of relays: [WorkerCrew.Running], to exposition: inout Exposition) {
    let addresses = AddressTotals(crew)
    exposition.add(.datagrams, relays.flatMap { addresses.samples(of: $0) { $0.datagrams(in: $1) } })
    exposition.add(.bytes, relays.flatMap { addresses.samples(of: $0) { $0.bytes(in: $1) } })
    exposition.add(
      .dropped,
      relays.flatMap { relay in
        DropReason.allCases.map { reason in
          ([relay.name, reason.label], .count(relay.sum { $0.dropped(reason) }))
        }
      })
    exposition.add(.sendErrors, relays.flatMap(sendErrors))
    exposition.add(.receiveQueueDrops, relays.flatMap { addresses.queueDrops(of: $0) })
    exposition.add(.upstreamQueueDrops, relays.map { ([$0.name], .count($0.sum(\.upstreamQueueDrops))) })
  }

  private func sendErrors(_ relay: WorkerCrew.Running) -> Samples {
    Direction.allCases.flatMap { direction in
      var counts = Dictionary(uniqueKeysWithValues: Self.commonErrors.map { ($0.name, UInt64(0)) })
      for (errno, count) in relay.counters.flatMap({ $0.sendErrors(direction) }) {
        counts[errno.name, default: 0] += count
      }
      return counts.sorted { $0.key < $1.key }.map { errno, count in
        (labels: [relay.name, direction.label, errno], value: Exposition.Value.count(count))
      }
    }
  }

  // MARK: Sessions

  private func addSessions(of relays: [WorkerCrew.Running], to exposition: inout Exposition) {
    exposition.add(.sessions, relays.map { ([$0.name], .count($0.sum(\.sessions))) })
    exposition.add(
      .sessionLimit, relays.map { ([$0.name], .count(UInt64($0.configuration.sessionLimit(limits)))) })
    exposition.add(.sessionsCreated, relays.map { ([$0.name], .count($0.sum(\.sessionsCreated))) })
    exposition.add(
      .sessionsEnded,
      relays.flatMap { relay in
        EndReason.allCases.map { reason in ([relay.name, reason.label], .count(relay.sum { $0.ended(reason) })) }
      })
  }

  // MARK: What is up

  private func addState(of relays: [WorkerCrew.Running], to exposition: inout Exposition) {
    exposition.add(.listenerUp, listeners)
    exposition.add(
      .backendUp,
      relays.map { ([$0.name, "\($0.configuration.backend)"], .flag(BackendState.isUp($0))) })
    exposition.add(.addressChanges, .count(keeper.addressChanges))
    exposition.add(
      .reloads, [(["success"], .count(reloads.successful)), (["failure"], .count(reloads.failed))])
    exposition.add(.lastReloadSuccessful, .flag(reloads.lastWasSuccessful))
    exposition.add(.buildInfo, [([Version.current], .count(1))])
  }

  private var listeners: Samples {
    keeper.roster.all.compactMap { key, isServing in
      guard let relay = crew.relays[key.relay] else { return nil }
      return ([relay.name, "\(key.endpoint.address)", "\(key.endpoint.port)"], .flag(isServing))
    }.sorted { $0.labels.lexicographicallyPrecedes($1.labels) }
  }

  // MARK: The process

  private func addProcess(to exposition: inout Exposition) {
    let usage = ProcessUsage()
    exposition.add(.processorSeconds, usage.processorSeconds.map { .number($0) })
    exposition.add(.residentBytes, usage.residentBytes.map { .count($0) })
    exposition.add(.virtualBytes, usage.virtualBytes.map { .count($0) })
    exposition.add(.openDescriptors, usage.openDescriptors.map { .count($0) })
    exposition.add(.descriptorLimit, usage.descriptorLimit.map { .count($0) })
    exposition.add(.startTime, usage.startTime.map { .number($0) })
  }
}

extension WorkerCrew.Running {
  var name: String { configuration.name }

  /// Over all workers.
  func sum(_ value: (RelayCounters) -> UInt64) -> UInt64 { counters.reduce(0) { $0 + value($1) } }
}
