import Linux
import Relay

extension RelayConfiguration {
  /// What one worker needs to know to run this relay.
  ///
  /// - Parameters:
  ///   - workers: how many share its sessions.
  ///   - echo: where the built-in backend listens, if that is the backend.
  func plan(workers: Int, echo: Endpoint?) -> RelayPlan {
    // The kernel spreads clients over the workers by hash: evenly, give or take little.
    let share = (maxSessions + workers - 1) / workers
    let address = echo?.address ?? backend.address
    let ports =
      switch backend {
      case .echo: (echo?.port ?? 0)...(echo?.port ?? 0)
      case .endpoints(_, let ports): ports
      }
    return RelayPlan(
      name: name, backend: address, backendPorts: ports, upstream: upstream(maxSessions: share),
      idleTimeout: idleTimeout, unrepliedTimeout: unrepliedTimeout, maxSessions: share, responses: responses)
  }

  private func upstream(maxSessions: Int) -> RelayPlan.Upstream {
    guard resolvedUpstream == .multiplexed else { return .connected }
    return .multiplexed(sourcePool.map { SourceRange($0) } ?? .standard(maxSessions: maxSessions))
  }
}

extension ProcessConfiguration {
  /// How many descriptors the process opens before its first listener, and a few more. Measured: 17, and for each worker
  /// five (epoll, libuv's pipe, its eventfd, the upstream's socket), one more for each further relay.
  var descriptorsToStart: Int { 20 + workers.resolved() * (4 + relays.count) }
}
