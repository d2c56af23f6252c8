import Linux

/// What a service does with its socket when somebody asks it, as far as that is known or seen: some mends are none for it.
package enum Habit: Hashable, Sendable {
  /// It answers everybody by the one socket, as far as is known.
  case keepsSocket
  /// It connects its socket to whoever asks, and hears nobody else.
  case tiesSocket
  /// It opens a socket for each client, which is bound to the port anew, and connected.
  case socketForEachClient
  /// It might open one: it has SO_REUSEADDR, which that takes, and its program is not known.
  case maybeSocketForEachClient

  /// Programs that connect their socket to whoever asks first, by the names of their processes.
  private static let tying: Set<String> = ["iperf", "iperf3", "nc", "nc.openbsd", "nc.traditional", "ncat", "netcat"]

  /// Programs that have SO_REUSEADDR for other reasons; each was adopted in tests.
  private static let keeping: Set<String> = [
    "in.tftpd", "kamailio", "memcached", "nsd", "openvpn", "snmpd", "turnserver", "unbound", "xinetd",
  ]

  /// Of a service on a host.
  init(of service: Service, on host: Host) {
    let name = service.name ?? ""
    let settings = service.sockets.filter(\.isWildcard).compactMap(\.knownSettings)
    let reuses = settings.contains { $0.reusesAddress && !$0.sharesPort }
    let hasClients = host.clientSockets[service.port, default: []].contains(service.user)
    if Self.tying.contains(name) {
      self = .tiesSocket
    } else if hasClients || (name == "socat" && (reuses || settings.isEmpty)) {
      // socat's UDP-LISTEN sets SO_REUSEADDR; its UDP-RECVFROM, which keeps its socket, does not. Hidden, it may be either.
      self = .socketForEachClient
    } else {
      self = reuses && !Self.keeping.contains(name) ? .maybeSocketForEachClient : .keepsSocket
    }
  }

  /// Whether a connected socket answers: its local address is the one that routing picks, so that it does not hear what the
  /// client sends next to the address that it asked.
  var outwitsKernelRule: Bool { self == .tiesSocket || self == .socketForEachClient }
}
