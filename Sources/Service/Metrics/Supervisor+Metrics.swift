import Logging

extension Supervisor {
  /// Serves the metrics.
  ///
  /// - Parameter prepared: nil when the process whose place this one has taken had them until now. What goes wrong is then no
  ///   reason to end, for there is nobody any more who would go on.
  func openMetrics(_ prepared: MetricsServers.Prepared?) {
    observation.isDraining = { [unowned self] in self.drain != nil }
    do throws(ConfigurationError) {
      let servers: MetricsServers.Prepared
      if let prepared { servers = prepared } else { servers = try metrics.prepare(configuration.metrics) }
      metrics.change(to: servers)
    } catch { logger.error("metrics are not served: \(error.message)") }
  }
}
