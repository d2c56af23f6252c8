import Linux

/// The one thing to do about a faulty service.
package struct Suggestion: Hashable, Sendable {
  /// Which way it mends.
  package enum Way: String, Hashable, Sendable {
    /// A relay slipped in beside the service.
    case adopt
    /// A rule of the kernel's.
    case kernel
    /// No command mends it as it is: it has to be bound elsewhere.
    case rebind
  }

  /// Which way.
  package let way: Way
  /// What to type; nil where it has to be bound elsewhere first.
  package let command: String?
  /// Why this way, in words that end a sentence which begins with the command; without one, what to do.
  package let why: String
  /// What to make sure of before, if anything.
  package let caution: String?
  /// Whether it takes root.
  package let needsRoot: Bool
  /// What to type when the service was bound to loopback alone; nil where a relay would not do.
  package let relay: RelayCommand?

  /// Programs that trust loopback, or decide by the client's address: behind a relay, every client would be 127.64.x.y to
  /// them. snmpd and memcached have access lists, the name servers recurse for loopback, chronyd and ntpd take commands
  /// from it, rpcbind lets it register services, RADIUS servers know each client's secret by its address.
  private static let decidesByClient: Set<String> = [
    "chronyd", "coredns", "dhcpd", "dnsmasq", "freeradius", "kea-dhcp4", "kresd", "memcached", "named", "ntpd",
    "ntpsec",
    "pdns_recursor", "radiusd", "rpcbind", "rsyslogd", "snmpd", "syslog-ng", "unbound",
  ]

  /// Chooses for a service in some place.
  package init(for service: Service, habit: Habit = .keepsSocket, in place: Place, asker: Asker = .root) {
    let decidesByClient = Self.decidesByClient.contains(service.name ?? "")
    let movesPort = habit == .socketForEachClient || habit == .maybeSocketForEachClient
    let relay = decidesByClient ? nil : RelayCommand(to: service, in: place, movesPort: movesPort)
    let obstacle = Self.obstacleToAdopting(service, decidesByClient, place, habit)
    if habit == .socketForEachClient || (habit == .tiesSocket && obstacle != nil) {
      way = .rebind
      why = Self.rebinding(service, habit, relay)
    } else {
      way = obstacle == nil ? .adopt : .kernel
      why = obstacle ?? "no restart; the service then sees its clients as 127.64.0.0/10"
    }
    switch way {
    case .adopt: command = "\(place.prefix)multihomed adopt \(service.port)"
    case .kernel: command = "\(place.prefix)multihomed kernel apply \(service.port)"
    case .rebind: command = nil
    }
    caution = way == .adopt && habit == .maybeSocketForEachClient ? Self.reusesAddress : nil
    needsRoot = way == .kernel || asker.user == 0 || !asker.mayAdopt(service)
    self.relay = relay
  }

  /// Why a relay beside the service would not do, so that the kernel's rule is better.
  private static func obstacleToAdopting(
    _ service: Service, _ decidesByClient: Bool, _ place: Place, _ habit: Habit
  ) -> String? {
    if decidesByClient {
      return "\(service.name ?? "it") decides by its client's address, which a relay would hide from it"
    }
    if service.interface != 0 {
      return "the service is bound to an interface, where a relay beside it does not reach it"
    }
    // A process that stays in there is better than a rule that does not mend.
    return place.isHere || habit == .tiesSocket ? nil : "a rule of the kernel's needs no process that stays in there"
  }

  private static func rebinding(_ service: Service, _ habit: Habit, _ relay: RelayCommand?) -> String {
    let what =
      habit == .tiesSocket
      ? "it connects its socket to whoever asks, which the kernel rule does not mend: "
      : "it opens a socket for each client, which it could not beside `adopt`, and the kernel rule does not mend: "
    let recvfrom = service.name == "socat" ? "give it UDP-RECVFROM for UDP-LISTEN, or " : ""
    return what + recvfrom + "bind it to each address, one by one"
  }

  private static let reusesAddress =
    "before, make sure that it does not open a socket for each client, as some do that have SO_REUSEADDR like this one: "
    + "beside `adopt` it could not (EADDRINUSE), and might end. Where you do not know, take the relay"
}

/// A relay in front of a service that is bound to loopback alone.
package struct RelayCommand: Hashable, Sendable {
  /// Where the service is to be bound: the address, with the port where it is another than now.
  let place: String
  /// What to type.
  package let text: String

  /// For a service that is bound to an address of loopback, or is to be: then to 127.0.0.1, unless it takes IPv6 only.
  ///
  /// - Parameter movesPort: whether it has to leave its port, since it may bind it anew on the wildcard for each client.
  init(to service: Service, in place: Place, movesPort: Bool = false) {
    let usual = service.sockets.contains { $0.entry.takes(ipv4: true) } ? IPAddress.loopbackIPv4 : .loopbackIPv6
    let address = service.boundTo.first(where: \.isLoopback) ?? usual
    let backend = Endpoint(address, movesPort ? Self.other(service.port) : service.port)
    self.place = movesPort ? "\(backend)" : "\(address)"
    text = "\(place.prefix)multihomed relay --listen \(service.port) --backend \(backend)"
  }

  /// 15678 for 5678.
  private static func other(_ port: UInt16) -> UInt16 { port < 20_000 ? port + 10_000 : port - 10_000 }
}
