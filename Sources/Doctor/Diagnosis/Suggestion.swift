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
  /// What to type, as root.
  package let command: String
  /// Why this way, in words that end a sentence which begins with the command.
  package let why: String

  /// Programs that trust loopback, or decide by the client's address: behind a relay, every client would be 127.64.x.y to
  /// them. snmpd and memcached have access lists, the name servers recurse for loopback, chronyd and ntpd take commands
  /// from it, rpcbind lets it register services, RADIUS servers know each client's secret by its address.
  static let decidesByClient: Set<String> = [
    "snmpd", "chronyd", "ntpd", "ntpsec", "unbound", "named", "dnsmasq", "pdns_recursor", "kresd", "memcached",
    "rpcbind",
    "freeradius", "radiusd", "rsyslogd", "syslog-ng", "dhcpd", "kea-dhcp4", "coredns",
  ]

  /// Programs that may give each client a socket of its own (socat's UDP-LISTEN), which `adopt` refuses.
  static let bindsForEachClient: Set<String> = ["socat"]

  /// Chooses for a service in some place.
  package init(for service: Service, in place: Place) {
    let name = service.name ?? ""
    if Self.decidesByClient.contains(name) {
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
  }
}
