import HTTP
package import Linux
package import Relay

/// What the host gives to a process, as far as plans depend on it.
package struct HostLimits: Sendable {
  /// RLIMIT_NOFILE.
  let descriptors: Int
  /// How many of them clients of the metrics may take.
  let reserved: Int
  /// The ports that the kernel draws from (net.ipv4.ip_local_port_range).
  let ephemeralPorts: Int

  package init(descriptors: Int, reserved: Int = 0, ephemeralPorts: Int) {
    self.descriptors = descriptors
    self.reserved = reserved
    self.ephemeralPorts = ephemeralPorts
  }

  /// Reads them.
  init(descriptors: Int, reserved: Int) {
    self.descriptors = descriptors
    self.reserved = reserved
    let range = ProcFile.read("/proc/sys/net/ipv4/ip_local_port_range")?.split(whereSeparator: \.isWhitespace)
    let ports = range?.compactMap { Int($0) } ?? []
    ephemeralPorts = ports.count == 2 ? max(1, ports[1] - ports[0] + 1) : 28_232
  }

  /// How many sessions with a socket each the host bears: an eighth of the descriptors is left to everything else.
  var connectedSessions: Int { max(1, min((descriptors - reserved) / 8 * 7, ephemeralPorts)) }
}

extension RelayConfiguration {
  /// What each worker needs to know to run this relay.
  ///
  /// - Parameters:
  ///   - workers: how many share its sessions.
  ///   - echo: where the built-in backend listens, if that is the backend.
  package func plans(workers: Int, echo: Endpoint?, _ limits: HostLimits) -> [RelayPlan] {
    // The kernel spreads clients over the workers by hash: evenly, give or take little.
    let share = (sessionLimit(limits) + workers - 1) / workers
    let address = echo?.address ?? backend.address
    let ports =
      switch backend {
      case .echo: (echo?.port ?? 0)...(echo?.port ?? 0)
      case .endpoints(_, let ports): ports
      }
    return (0..<workers).map { number in
      RelayPlan(
        name: name, backend: address, backendPorts: ports, upstream: upstream(of: number, workers: workers),
        idleTimeout: idleTimeout, unrepliedTimeout: unrepliedTimeout, maxSessions: share, responses: responses)
    }
  }

  /// How many sessions there can be: no more than sockets where each takes one, so that a flood of new clients makes
  /// sessions that were never answered give way, before it uses up the descriptors.
  func sessionLimit(_ limits: HostLimits) -> Int {
    resolvedUpstream == .connected ? min(maxSessions, limits.connectedSessions) : maxSessions
  }

  private func upstream(of worker: Int, workers: Int) -> RelayPlan.Upstream {
    guard resolvedUpstream == .multiplexed else { return .connected }
    let all = sourcePool.map { SourceRange($0) } ?? .standard(maxSessions: maxSessions)
    return .multiplexed(all.share(worker, of: workers))
  }
}

extension ProcessConfiguration {
  /// How many descriptors the process opens before its first listener, and a few more. Measured: 17, and for each worker
  /// five (epoll, libuv's pipe, its eventfd, the upstream's socket), one more for each further relay.
  var descriptorsToStart: Int { 20 + workers.resolved() * (4 + relays.count) + descriptorsForClients }

  /// How many descriptors clients of the metrics may take, with what it takes to serve them.
  var descriptorsForClients: Int { metrics.count * Limits().descriptors }
}
