package import Linux

extension ConfigurationError {
  /// An endpoint could not be bound because another socket holds it (EADDRINUSE).
  package static func portInUse(_ endpoint: Endpoint, holder: PortHolder?) -> ConfigurationError {
    let loopback = endpoint.address.isIPv4 ? "127.0.0.1" : "[::1]"
    let start = "\(endpoint) is in use by \(description(of: holder))"
    if let holder, !holder.endpoint.address.isWildcard, !holder.endpoint.address.isLoopback {
      return .host(
        "\(start); leave the address out with --address '!\(endpoint.address)', or bind that service to "
          + "\(loopback):\(endpoint.port), or give another port to --listen")
    }
    let moving =
      "\(start); bind that service to \(loopback):\(endpoint.port) alone, or move it to another port, and give that to "
      + "--backend"
    // Beside a service that is on loopback there is nothing to adopt and nothing to mend.
    if let holder, holder.endpoint.address.isLoopback { return .host("\(moving), or give another port to --listen") }
    return .host(
      "\(moving); or leave it as it is and give `multihomed adopt \(endpoint.port)` or `multihomed kernel apply "
        + "\(endpoint.port)` instead")
  }

  private static func description(of holder: PortHolder?) -> String {
    guard let holder else { return "another process" }
    guard let process = holder.process else {
      return "a process of user \(holder.user), on \(holder.endpoint) (root can see which)"
    }
    return "\(process.name) (pid \(process.id), on \(holder.endpoint))"
  }

  /// An endpoint could not be bound for lack of rights (EACCES): ports below `net.ipv4.ip_unprivileged_port_start`.
  package static func noRightToBind(_ endpoint: Endpoint) -> ConfigurationError {
    .host(
      "no right to listen on \(endpoint), a port below net.ipv4.ip_unprivileged_port_start; run as root, or give the "
        + "right with: \(Capability.setcap([.bindService]))")
  }

  /// The process lacks something of the kernel's that it cannot start without.
  package static func start(_ what: String, _ errno: Errno) -> ConfigurationError {
    switch errno {
    case .tooManyDescriptors, .tooManyFiles:
      .process("\(what): \(errno); raise the limit on open files (ulimit -Hn, or LimitNOFILE= in the unit)")
    case .outOfMemory: .process("\(what): \(errno); give a smaller --max-sessions or --source-pool")
    default: .process("\(what): \(errno)")
    }
  }
}
