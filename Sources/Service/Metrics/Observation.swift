import HTTP
import Linux

/// What the process lets be seen of itself from outside: its metrics, and whether it is well.
final class Observation {
  private let crew: WorkerCrew
  private let keeper: ListenerKeeper
  private let limits: HostLimits
  private var health: WorkerHealth
  /// How reloads went.
  var reloads = ReloadTally()
  /// Whether it is about to end.
  var isDraining: () -> Bool = { false }

  init(_ crew: WorkerCrew, _ keeper: ListenerKeeper, _ limits: HostLimits) {
    self.crew = crew
    self.keeper = keeper
    self.limits = limits
    health = WorkerHealth(crew.workers)
  }

  /// Who answers which path.
  var routes: [String: Handler] {
    [
      "/metrics": { [unowned self] _ in self.metrics },
      "/healthz": { [unowned self] _ in self.verdict(self.health.findFault(now: .now), good: "ok") },
      "/readyz": { [unowned self] _ in self.verdict(self.unreadiness, good: "ready") },
    ]
  }

  private var metrics: Response {
    let report = MetricsReport(crew: crew, keeper: keeper, limits: limits, reloads: reloads)
    return Response(contentType: Exposition.contentType, body: Array(report.text.utf8))
  }

  /// Why no client should come here now; nil when they may. There is no answer at all before the process is ready.
  private var unreadiness: String? {
    if isDraining() { return "draining: no new sessions are taken" }
    return keeper.roster.serving.isEmpty ? "no listener is up" : nil
  }

  private func verdict(_ fault: String?, good: String) -> Response {
    if let fault { Response(.serviceUnavailable, text: fault) } else { Response(text: good) }
  }
}
