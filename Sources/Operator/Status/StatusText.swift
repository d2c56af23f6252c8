import JSON
import Linux

/// The status of a process, for people.
package struct StatusText {
  let status: Status

  package init(status: Status) { self.status = status }

  package var lines: [String] {
    [title, "  " + details.joined(separator: "; ")] + problems + status.relays.flatMap { [""] + relay($0) }
  }

  private var title: String {
    "multihomed \(status.version), pid \(status.pid): \(status.state), up \(Quantity.duration(seconds: status.uptime)), "
      + "\(Self.number(status.relays.count, "relay")), \(Self.number(status.workers, "worker"))"
  }

  private var details: [String] {
    var details = [status.configuration.map { "configuration \($0)" } ?? "configured by its command line"]
    if let reload = status.reload, reload.errors.isEmpty { details.append("reloaded \(reload.time)") }
    details.append("log level \(status.logLevel)")
    return details
  }

  private var problems: [String] {
    guard let reload = status.reload, !reload.errors.isEmpty else { return [] }
    return ["  the reload at \(reload.time) failed, the configuration before it goes on:"]
      + reload.errors.map { "    \($0)" }
  }

  // MARK: A relay

  private func relay(_ relay: Status.Relay) -> [String] {
    var rows: [[String]] = [
      ["sessions", sessions(relay)],
      ["to backend", flow(relay.toBackend)],
      ["to clients", flow(relay.toClient)],
    ]
    if !relay.ended.isEmpty { rows.append(["ended", counts(relay.ended)]) }
    if !relay.dropped.isEmpty { rows.append(["dropped", counts(relay.dropped)]) }
    if relay.queueDrops > 0 || relay.upstreamQueueDrops > 0 {
      rows.append([
        "lost",
        "\(Quantity.grouped(relay.queueDrops)) in listeners' queues, \(Quantity.grouped(relay.upstreamQueueDrops)) in upstreams'",
      ])
    }
    for (direction, errors) in relay.errors where !errors.isEmpty {
      rows.append(["refused", "\(direction == "to_client" ? "to clients" : "to backend"): \(counts(errors))"])
    }
    rows.append(["listeners", listeners(relay)])
    let head = "relay \(relay.name): \(relay.listen.joined(separator: ", ")) to \(relay.backend), \(relay.upstream)"
    return [head] + Columns.lines(rows).map { "  " + $0 } + missing(relay)
  }

  private func sessions(_ relay: Status.Relay) -> String {
    "\(Quantity.grouped(relay.sessions)) of at most \(Quantity.grouped(relay.sessionLimit)), "
      + "\(Quantity.grouped(relay.awaitingReply)) await a reply; \(Quantity.grouped(relay.created)) begun by this process"
  }

  private func flow(_ flow: Status.Flow) -> String {
    "\(Self.number(flow.datagrams, "datagram")), \(Quantity.bytes(Double(flow.bytes)))B"
  }

  private func listeners(_ relay: Status.Relay) -> String {
    let up = relay.listeners.filter(\.isUp).count
    let missing = relay.listeners.count - up
    return "\(Quantity.grouped(up)) up" + (missing > 0 ? ", \(Quantity.grouped(missing)) not:" : "")
  }

  private func missing(_ relay: Status.Relay) -> [String] {
    let rows = relay.listeners.filter { !$0.isUp }.map { [$0.endpoint, $0.state, $0.reason ?? ""] }
    return Columns.lines(rows).map { "    " + $0 }
  }

  private func counts(_ counts: [Status.Count]) -> String {
    counts.map { "\($0.name) \(Quantity.grouped($0.count))" }.joined(separator: ", ")
  }

  private static func number(_ count: Int, _ what: String) -> String {
    "\(Quantity.grouped(count)) \(what)\(count == 1 ? "" : "s")"
  }
}

/// What `status` has to say.
public enum StatusCommand {
  /// Asks everybody who is meant.
  ///
  /// - Parameter isJSON: one value, an array with an object for each process.
  /// - Throws: when there is nobody, or the one who was named cannot be asked.
  public static func run(_ choice: InstanceChoice, isJSON: Bool) throws(OperatorFailure) -> StatusAnswer {
    let all = try choice.all()
    return StatusAnswer(
      lines: isJSON ? [JSONValue.array(all.answered.map(\.json)).text] : text(of: all.answered.map(\.status)),
      failures: all.missed.map(\.failure.message),
      isHealthy: all.missed.isEmpty && all.answered.allSatisfy { $0.status.isHealthy })
  }

  private static func text(of all: [Status]) -> [String] {
    all.enumerated().flatMap { ($0.offset > 0 ? ["", ""] : []) + StatusText(status: $0.element).lines }
  }
}

/// What `status` has found.
public struct StatusAnswer: Hashable, Sendable {
  /// To be shown.
  public let lines: [String]
  /// Who could not be asked, and why.
  public let failures: [String]
  /// Whether everybody was asked, and all are healthy.
  public let isHealthy: Bool
}

/// What `status --ready` has to say: for health checks, which want an answer at once.
public enum ReadyCommand {
  /// How long all of it may take.
  private static let patience = Nanoseconds.seconds(2)

  /// Asks the one process that is meant whether clients should come.
  ///
  /// - Returns: its word, and whether it is ready.
  public static func run(_ choice: InstanceChoice) throws(OperatorFailure) -> (line: String, isReady: Bool) {
    let end = Instant.now + patience
    let client = try choice.socket(within: patience)
    let (status, text) = try client.word("/readyz", within: end - .now)
    return (text.printable, status == 200)
  }
}

/// What `log-level` does.
public enum LogLevelCommand {
  /// The levels there are, the least severe first.
  public static let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

  /// Changes the level of the one process that is meant, until its next reload.
  ///
  /// - Returns: the line to show.
  public static func run(_ choice: InstanceChoice, level: String) throws(OperatorFailure) -> String {
    guard levels.contains(level) else {
      throw .usage("'\(level)' is no log level; give one of \(levels.joined(separator: ", "))")
    }
    let (client, status) = try choice.one()
    let (answer, _) = try client.value(.put, "/log-level?level=\(level)")
    return
      "pid \(status.pid) logs from \(answer.text("log_level")) on (before: \(answer.text("before"))), until it reloads"
  }
}
