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
  /// The client's addresses.
  let clientV4: IPAddress?
  let clientV6: IPAddress?

  /// Where the client is.
  var namespace: NetworkNamespace { own.namespace }

  /// Lays the wire.
  ///
  /// - Throws: with what `ip` said.
  init(to station: Survey.Station) throws(DoctorFailure) {
    let host = station.host
    own = try attempt("make a network namespace for the probe") { () throws(Errno) in try PrivateNamespace() }
    self.host = host.place.isHere ? nil : station.namespace
    let families = [true, false].map { isIPv4 in host.addresses.contains { $0.address.isIPv4 == isIPv4 } }
    clientV4 = families[0] ? ProbeAddresses.free(on: host, isIPv4: true) : nil
    clientV6 = families[1] ? ProbeAddresses.free(on: host, isIPv4: false) : nil
    try ip(hostEnd, in: self.host)
    try ip(clientEnd(asking: host.addresses.map(\.address)), in: own.namespace)
  }

  /// Removes the wire at once: by itself it would go a little after the namespace.
  deinit { try? ip(["link delete \(interface)"], in: host) }

  /// Whether the client has an address of this family, and can reach this address by routes.
  func canAsk(_ address: IPAddress) -> Bool {
    !address.isLinkLocalIPv6 && (address.isIPv4 ? clientV4 : clientV6) != nil
  }

  private var hostEnd: [String] {
    [
      "link add \(interface) address \(Self.hostMAC) type veth "
        + "peer name eth0 address \(Self.clientMAC) netns \(own.path)"
    ] + (clientV6 == nil ? [] : ["link set \(interface) addrgenmode none"])
      + ["link set \(interface) up"]
      + [clientV4, clientV6].compactMap(\.self).flatMap { client in
        [
          "route add \(client)/\(client.bitWidth) dev \(interface)",
          "neighbour add \(client) lladdr \(Self.clientMAC) dev \(interface) nud permanent",
        ]
      }
  }

  private func clientEnd(asking addresses: [IPAddress]) -> [String] {
    let clients = [clientV4, clientV6].compactMap(\.self)
    let asked = addresses.filter(canAsk)
    return (clientV6 == nil ? [] : ["link set eth0 addrgenmode none"])
      + clients.map { "address add \($0)/\($0.bitWidth) dev eth0" + ($0.isIPv4 ? "" : " nodad") }
      + ["link set eth0 up"]
      + clients.map { "route add default dev eth0 src \($0)" }
      + asked.map { "neighbour add \($0) lladdr \(Self.hostMAC) dev eth0 nud permanent" }
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
    let complaint = try attempt("read what `ip` says") { () throws(Errno) in try process.nextLine(within: .seconds(10))
    }
    guard process.waitForExit() == 0 else {
      throw .host("`ip` could not lay the probe's wire: \(complaint ?? "it does not say why")")
    }
  }
}
