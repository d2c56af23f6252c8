import Linux

/// The one thing to do about a faulty service.
package struct Suggestion: Hashable, Sendable {
  /// Which way it mends.
  package enum Way: String, Hashable, Sendable {
    /// A relay slipped in beside the service.
    case adopt
    /// A rule of the kernel's.
    case kernel
  }

  /// Which way.
  package let way: Way
  /// What to type.
  package let command: String
  /// Why this way, in words that end a sentence which begins with the command.
  package let why: String
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

  /// Programs that may give each client a socket of its own (socat's UDP-LISTEN), which `adopt` refuses.
  private static let bindsForEachClient: Set<String> = ["socat"]

  /// Chooses for a service in some place.
  package init(for service: Service, in place: Place, asker: Asker = .root) {
    let name = service.name ?? ""
    let decidesByClient = Self.decidesByClient.contains(name)
    if decidesByClient {
      way = .kernel
      why = "\(name) decides by its client's address, which a relay would hide from it"
    } else if Self.bindsForEachClient.contains(name) {
      way = .kernel
      why = "\(name) may bind a socket for each client, which it could not beside a relay"
    } else if service.interface != 0 {
      way = .kernel
      why = "the service is bound to an interface, where a relay beside it does not reach it"
    } else if !place.isHere {
      way = .kernel
      why = "a rule of the kernel's needs no process that stays in there"
    } else {
      way = .adopt
      why = "no restart; the service then sees its clients as 127.64.0.0/10"
    }
    let verb = way == .adopt ? "adopt" : "kernel apply"
    command = "\(place.prefix)multihomed \(verb) \(service.port)"
    needsRoot = way == .kernel || asker.user == 0 || !asker.mayAdopt(service)
    relay = decidesByClient ? nil : RelayCommand(to: service, in: place)
  }
}

/// A relay in front of a service that is bound to loopback alone.
package struct RelayCommand: Hashable, Sendable {
  /// The address that the service is to be bound to.
  let address: IPAddress
  /// What to type.
  package let text: String

  /// For a service that is bound to an address of loopback, or is to be: then to 127.0.0.1, unless it takes IPv6 only.
  init(to service: Service, in place: Place) {
    let usual = service.sockets.contains { $0.entry.takes(ipv4: true) } ? IPAddress.loopbackIPv4 : .loopbackIPv6
    address = service.boundTo.first(where: \.isLoopback) ?? usual
    text = "\(place.prefix)multihomed relay --listen \(service.port) --backend \(Endpoint(address, service.port))"
  }
}
