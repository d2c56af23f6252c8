package import Linux
import Service

/// Why a service cannot be adopted. Each has one line that says what to do instead.
package enum Refusal: Error, Hashable, Sendable {
  case nobodyListens(UInt16)
  case otherFamily(UInt16)
  case boundToAddresses(UInt16, [Endpoint])
  case connected(UInt16)
  /// Another service has taken the place of the one that was adopted; with what is different.
  case changed(UInt16, SocketHolder, String)
  case cannotLook(UInt16)
  case kernelSocket(UInt16)
  case multihomed(UInt16, SocketHolder)
  /// Another adoption is under way.
  case adopted(UInt16, SocketHolder)
  case boundToInterface(UInt16, SocketHolder, UInt32)
  case severalUsers(UInt16, [SocketHolder])
  case rivals(UInt16, [SocketHolder])
  case socketForEachClient(UInt16, SocketHolder)
  /// Somebody else gets what is sent to where the service would be reached.
  case backendTaken(Endpoint, SocketHolder?, user: UInt32)
  /// The socket's process is not to be seen.
  case hidden(UInt16, user: UInt32)
  /// It is seen, but its sockets are not ours to share.
  case notOurs(UInt16, SocketHolder, user: UInt32)

  /// The whole line.
  package var message: String {
    switch self {
    case .nobodyListens(let port):
      "nothing listens on UDP port \(port) here; start the service first, or give --wait"
    case .otherFamily(let port):
      "what listens on UDP port \(port) takes the other address family only; leave out --ipv4-only or --ipv6-only"
    case .boundToAddresses(let port, let endpoints):
      "no service holds port \(port) by the wildcard address: it is bound to \(Self.list(endpoints)), "
        + Self.advice(port, endpoints)
    case .connected(let port):
      "the service on port \(port) is connected to one client and hears nobody else; adopt it before its first client comes"
    case .changed(let port, let holder, let difference):
      "\(holder) has taken port \(port), and is not the service that was adopted: \(difference); adopt it anew if that is right"
    case .cannotLook(let port):
      "cannot see who holds UDP port \(port): the adoption broker has ended, or netlink is forbidden here"
    case .kernelSocket(let port):
      "port \(port) is held by the kernel itself (WireGuard or a tunnel), which cannot be adopted; give "
        + "`multihomed kernel apply \(port)`"
    case .multihomed(let port, let holder):
      "port \(port) is held by \(holder) itself; there is nothing to adopt"
    case .adopted(let port, let holder):
      "the service on port \(port) is adopted already, by \(holder); end that one before you adopt it anew"
    case .boundToInterface(let port, let holder, let interface):
      "\(holder) is bound to interface \(InterfaceIndex.name(of: interface) ?? "\(interface)") and cannot be reached on "
        + "loopback; give `multihomed kernel apply \(port)`"
    case .severalUsers(let port, let holders):
      "port \(port) is held by several users' services: \(Self.list(holders)); choose one with --ipv4-only or --ipv6-only"
    case .rivals(let port, let holders):
      "port \(port) is held by several sockets of which the newest gets everything: \(Self.list(holders)); end those that "
        + "should not be there"
    case .socketForEachClient(let port, let holder):
      "\(holder) opens a socket for each client and binds port \(port) anew, which it could not beside us; give "
        + "`multihomed kernel apply \(port)` (or with socat, UDP-RECVFROM instead of UDP-LISTEN)"
    case .backendTaken(let endpoint, let holder, let user):
      "\(endpoint) is held by \(holder.map { "\($0)" } ?? "a process of user \(user)"), so that the service cannot be reached "
        + "there; end that one, or give `multihomed kernel apply \(endpoint.port)`"
    case .hidden(let port, let user):
      "the service on port \(port) belongs to user \(user), and cannot be seen; "
        + (RightsAtStart.suffice(for: user) ? Self.otherPlace : Self.rights(port, user))
    case .notOurs(let port, let holder, let user):
      "no right to share the socket of \(holder); \(Self.rights(port, user))"
    }
  }

  /// As the command line tells it: conflicts with this host.
  var error: ConfigurationError { .host(message) }

  /// Which capabilities are missing, and how to give them.
  private static func rights(_ port: UInt16, _ user: UInt32) -> String {
    var missing: [Capability] = [.trace]
    if user != UserIdentity.effective { missing.append(.setUser) }
    if port < PortRights.lowestFree { missing.append(.bindService) }
    let command = Capability.setcap(missing)
    missing.removeAll { RightsAtStart.has($0) }
    let names = missing.map(\.name)
    let why = user == UserIdentity.effective && isYamaOn ? " (kernel.yama.ptrace_scope is not 0)" : ""
    return "missing: \(names.joined(separator: ", "))\(why); run as root, or give the right with: \(command)"
  }

  private static let otherPlace =
    "no process that is visible here holds its socket: when it runs in another pid namespace, as in another container, adopt "
    + "it from there, or from where its process is visible (docker: --pid=host, Kubernetes: hostPID)"

  /// What whoever is bound to addresses needs: on loopback a relay in front of it, elsewhere nothing.
  private static func advice(_ port: UInt16, _ endpoints: [Endpoint]) -> String {
    guard let first = endpoints.first, endpoints.allSatisfy(\.address.isLoopback) else {
      return "and answers from there; there is nothing to mend"
    }
    return "where no other host can ask it; to let them, put a relay in front of it: multihomed relay --listen \(port) "
      + "--backend \(first)"
  }

  private static func list(_ items: [some CustomStringConvertible]) -> String {
    let shown = items.prefix(4).map(\.description).joined(separator: ", ")
    return items.count > 4 ? "\(shown) and \(items.count - 4) more" : shown
  }

  private static var isYamaOn: Bool {
    (ProcFile.read("/proc/sys/kernel/yama/ptrace_scope")?.first).map { $0 != "0" } ?? false
  }
}

/// What this process could do before it gave up its rights.
enum RightsAtStart {
  private static let held: Set<Capability> = Set(
    [.trace, .setUser, .bindService].filter { (capability: Capability) in capability.isEffective })

  private static let user = UserIdentity.effective

  /// To be called while they are there.
  static func note() { _ = (held, user) }

  /// Whether whatever is not seen of a user's process is not for want of a right.
  static func suffice(for user: UInt32) -> Bool { has(.trace) && (user == Self.user || has(.setUser)) }

  static func has(_ capability: Capability) -> Bool { held.contains(capability) }
}
