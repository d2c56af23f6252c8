import Glibc
import Linux

/// A client of our own: a namespace, and a veth pair between it and the host.
///
/// The host's end gets no address, so that nobody who watches the host's addresses (a name server, a relay) is disturbed;
/// the kernel answers such a client from an address that it picks among all. Neighbours are told to both ends, so that
/// no ARP or neighbour discovery is needed, which hosts with virtual addresses restrict (arp_ignore).
final class ProbeNetwork {
  private static let hostMAC = "02:00:5e:00:53:01"
  private static let clientMAC = "02:00:5e:00:53:02"

  private let own: PrivateNamespace
  private let host: NetworkNamespace?
  private let interface = "mh-probe\(getpid())"
  /// The client's address of each family that the host has, and that the wire can carry.
  private var clients: [IPAddress] = []

  /// Where the client is.
  var namespace: NetworkNamespace { own.namespace }

  /// Lays the wire.
  ///
  /// - Throws: with what `ip` said.
  init(to station: Survey.Station) throws(DoctorFailure) {
    let host = station.host
    own = try attempt("make a network namespace for the probe") { () throws(Errno) in try PrivateNamespace() }
    self.host = host.place.isHere ? nil : station.namespace
    try ip(
      [
        "link add \(interface) address \(Self.hostMAC) type veth "
          + "peer name eth0 address \(Self.clientMAC) netns \(own.path)"
      ], in: self.host)
    // No link-local addresses either; refused where the kernel has no IPv6, and then there are none.
    try? ip(["link set \(interface) addrgenmode none"], in: self.host)
    try? ip(["link set eth0 addrgenmode none"], in: own.namespace)
    try ip(["link set \(interface) up"], in: self.host)
    try ip(["link set eth0 up"], in: own.namespace)
    for isIPv4 in [true, false] { try add(isIPv4: isIPv4, on: host) }
  }

  /// Removes the wire at once: by itself it would go a little after the namespace.
  deinit { try? ip(["link delete \(interface)"], in: host) }

  /// Whether the client has an address of this family, and can reach this address by routes.
  func canAsk(_ address: IPAddress) -> Bool {
    !address.isLinkLocalIPv6 && clients.contains { $0.isIPv4 == address.isIPv4 }
  }

  /// Gives the client an address of a family. A new interface need not have IPv6 although others have it
  /// (net.ipv6.conf.default.disable_ipv6): then the client asks by IPv4 alone.
  private func add(isIPv4: Bool, on host: Host) throws(DoctorFailure) {
    let asked = host.addresses.map(\.address).filter { $0.isIPv4 == isIPv4 && !$0.isLinkLocalIPv6 }
    guard !asked.isEmpty, let client = ProbeAddresses.free(on: host, isIPv4: isIPv4) else { return }
    do throws(DoctorFailure) {
      try ip(
        [
          "route add \(client)/\(client.bitWidth) dev \(interface)",
          "neighbour add \(client) lladdr \(Self.clientMAC) dev \(interface) nud permanent",
        ], in: self.host)
      try ip(
        [
          "address add \(client)/\(client.bitWidth) dev eth0" + (isIPv4 ? "" : " nodad"),
          "route add default dev eth0 src \(client)",
        ] + asked.map { "neighbour add \($0) lladdr \(Self.hostMAC) dev eth0 nud permanent" }, in: own.namespace)
      clients.append(client)
    } catch {
      if isIPv4 { throw error }
    }
  }

  /// Runs ip(8) commands inside a namespace.
  private func ip(_ commands: [String], in namespace: NetworkNamespace?) throws(DoctorFailure) {
    let process: ChildProcess
    do throws(Errno) {
      process = try ChildProcess(
        "ip", ["ip", "-batch", "-"], environment: Environment.variables, in: namespace,
        input: commands.map { $0 + "\n" }.joined())
    } catch .notFound {
      throw .host("--probe lays a wire with `ip`, which is not here; install it: apt-get install iproute2")
    } catch {
      throw .host("cannot run `ip`: \(error)")
    }
    let complaint = try attempt("read what `ip` says") { () throws(Errno) in
      try process.nextLine(within: .seconds(10))
    }
    guard process.waitForExit() == 0 else {
      throw .host("`ip` could not lay the probe's wire: \(complaint ?? "it does not say why")")
    }
  }
}
