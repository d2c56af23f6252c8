import JSON
import Linux
import Relay

/// What somebody wants to know of a process that runs, beside its counters.
package struct StatusFacts: Sendable {
  /// What came of the last reload.
  package struct Reload: Sendable {
    let time: WallTime
    /// What was wrong; none when it took its place.
    let errors: [String]
  }

  var started: WallTime
  var uptime: Nanoseconds
  /// The file's path; nil when all was given by options.
  var file: String?
  var logLevel: String
  var isDraining: Bool
  var reload: Reload?
  var addressChanges: UInt64
}

/// A process that runs as one value of JSON: what it is, and each relay with its listeners and all that it has counted.
struct StatusReport {
  let facts: StatusFacts
  let crew: WorkerCrew
  let roster: ListenerRoster
  let limits: HostLimits

  var json: JSONValue {
    .members([
      "version": .string(Version.current), "pid": .number(Int(ProcessIdentity.own)),
      "started": .string(facts.started.description), "uptime": .number(Int(facts.uptime.count / 1_000_000_000)),
      "configuration": facts.file.map { .string($0) } ?? .null,
      "state": .string(state), "log_level": .string(facts.logLevel), "workers": .number(crew.workers.count),
      "last_reload": reload, "address_changes": .number(Int(clamping: facts.addressChanges)),
      "relays": .array(crew.relays.sorted { $0.key < $1.key }.map { relay($0.key, $0.value) }),
    ])
  }

  /// Healthy is a process that serves all it should.
  private var state: String {
    if facts.isDraining { return "draining" }
    return roster.pending.isEmpty && !roster.serving.isEmpty ? "healthy" : "unhealthy"
  }

  private var reload: JSONValue {
    guard let reload = facts.reload else { return .null }
    return .members([
      "time": .string(reload.time.description), "succeeded": .bool(reload.errors.isEmpty),
      "errors": .array(reload.errors.map { .string($0) }),
    ])
  }

  // MARK: A relay

  private func relay(_ id: RelayID, _ running: WorkerCrew.Running) -> JSONValue {
    let counted = running.counters
    let configuration = running.configuration
    return .members([
      "name": .string(configuration.name),
      "listen": .array(configuration.listen.map { .string("\($0)") }),
      "backend": .string("\(configuration.backend)"),
      "upstream": .string(configuration.resolvedUpstream.rawValue),
      "sessions": sum(counted, \.sessions), "session_limit": .number(configuration.sessionLimit(limits)),
      "sessions_awaiting_reply": sum(counted, \.sessionsAwaitingReply),
      "sessions_created": sum(counted, \.sessionsCreated),
      "sessions_ended": byLabel(
        EndReason.allCases.map { reason in (reason.label, total(counted) { $0.ended(reason) }) }),
      "dropped": byLabel(DropReason.allCases.map { reason in (reason.label, total(counted) { $0.dropped(reason) }) }),
      "send_errors": .object(
        Direction.allCases.map { direction in .init(name: direction.label, value: errors(counted, direction)) }),
      "upstream_queue_drops": sum(counted, \.upstreamQueueDrops),
      "listeners": .array(listeners(of: id)),
    ])
  }

  private func errors(_ counted: [RelayCounters], _ direction: Direction) -> JSONValue {
    var sums: [String: UInt64] = [:]
    for (errno, count) in counted.flatMap({ $0.sendErrors(direction) }) { sums[errno.name, default: 0] += count }
    return byLabel(sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }

  // MARK: Listeners

  private func listeners(of relay: RelayID) -> [JSONValue] {
    var all: [(endpoint: Endpoint, json: JSONValue)] = []
    for key in roster.serving where key.relay == relay { all.append((key.endpoint, listener(key, "up", nil))) }
    for key in roster.suspended where key.relay == relay {
      all.append(
        (key.endpoint, listener(key, "suspended", "the address is gone; its sessions wait for it to come back")))
    }
    for (key, reason) in roster.pending where key.relay == relay {
      all.append((key.endpoint, listener(key, "pending", reason.map { "\($0)" } ?? "not tried yet")))
    }
    return all.sorted { "\($0.endpoint)" < "\($1.endpoint)" }.map(\.json)
  }

  private func listener(_ key: ListenerKey, _ state: String, _ reason: String?) -> JSONValue {
    let counted = crew.counters[key] ?? []
    return .members([
      "address": .string("\(key.endpoint.address)"), "port": .number(Int(key.endpoint.port)), "state": .string(state),
      "reason": reason.map { .string($0) } ?? .null,
      "to_backend": traffic(counted, .toBackend), "to_client": traffic(counted, .toClient),
      "receive_queue_drops": .number(Int(clamping: counted.reduce(0) { $0 + $1.receiveQueueDrops })),
    ])
  }

  private func traffic(_ counted: [ListenerCounters], _ direction: Direction) -> JSONValue {
    .members([
      "datagrams": .number(Int(clamping: counted.reduce(0) { $0 + $1.datagrams(direction) })),
      "bytes": .number(Int(clamping: counted.reduce(0) { $0 + $1.bytes(direction) })),
    ])
  }

  // MARK: Sums

  private func byLabel(_ counts: [(String, UInt64)]) -> JSONValue {
    .object(counts.filter { $0.1 > 0 }.map { .init(name: $0.0, value: .number(Int(clamping: $0.1))) })
  }

  private func sum(_ counted: [RelayCounters], _ value: (RelayCounters) -> UInt64) -> JSONValue {
    .number(Int(clamping: total(counted, value)))
  }

  private func total(_ counted: [RelayCounters], _ value: (RelayCounters) -> UInt64) -> UInt64 {
    counted.reduce(0) { $0 + value($1) }
  }
}
