public import Linux

/// Who holds a port that we want.
public struct PortOwner: Hashable, Sendable {
  /// The process's name, as ps(1) shows it.
  public let name: String
  /// Its process id.
  public let pid: Int32

  /// Names an owner.
  public init(name: String, pid: Int32) {
    self.name = name
    self.pid = pid
  }
}

extension ConfigurationError {
  /// An endpoint could not be bound because another socket holds it (EADDRINUSE). The owner is nil when it cannot be
  /// told, which takes the rights to look into its process.
  public static func portInUse(_ endpoint: Endpoint, owner: PortOwner?) -> ConfigurationError {
    let holder = owner.map { "\($0.name) (pid \($0.pid))" } ?? "another process"
    let loopback = endpoint.address.isIPv4 ? "127.0.0.1" : "[::1]"
    return .host(
      "\(endpoint) is in use by \(holder); bind that service to \(loopback):\(endpoint.port) alone and give "
        + "--backend \(loopback):\(endpoint.port), or move it to another port and give that to --backend, or give another "
        + "port to --listen")
  }

  /// An endpoint could not be bound for lack of rights (EACCES): ports below `net.ipv4.ip_unprivileged_port_start`.
  public static func noRightToBind(_ endpoint: Endpoint) -> ConfigurationError {
    .host(
      "no right to listen on \(endpoint), a port below net.ipv4.ip_unprivileged_port_start; run as root, or give the "
        + "right with: setcap cap_net_bind_service=+ep $(command -v multihomed)")
  }
}
