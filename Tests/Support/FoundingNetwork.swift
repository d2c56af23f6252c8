public import Linux

/// The founding scenario: a host with two addresses of each family, asked by a container on its bridge and by a
/// neighbour on its network for the address that is not on the asker's side.
///
///     container (172.17.0.2) -- docker0 [172.17.0.1]  host  eth0 [192.168.106.242] -- lan (192.168.106.10)
///               fd17::2                 fd17::1             fd06::242                     fd06::10
public final class FoundingNetwork: Sendable {
  /// The host's addresses, in the order docker0, eth0, IPv4 before IPv6.
  public static let hostAddresses = ["172.17.0.1", "fd17::1", "192.168.106.242", "fd06::242"].compactMap {
    IPAddress($0)
  }

  private let network: TestNetwork
  /// The host, with docker0 and eth0 (and veth0, the container's end on the bridge).
  public var host: NetworkNamespace { network["host"] }
  /// The container, with eth0.
  public var container: NetworkNamespace { network["container"] }
  /// The neighbour, with eth0.
  public var lan: NetworkNamespace { network["lan"] }

  /// Lays the network.
  ///
  /// - Throws: `TestFailure` with what `ip` said.
  public init() throws {
    network = try TestNetwork(["host", "container", "lan"])
    try host.ip([
      "link add docker0 type bridge",
      "address add 172.17.0.1/16 dev docker0",
      "address add fd17::1/64 dev docker0 nodad",
      "link set docker0 up",
      "link add veth0 type veth peer name eth0 netns \(network.name(of: "container"))",
      "link set veth0 master docker0 up",
      "link add eth0 type veth peer name eth0 netns \(network.name(of: "lan"))",
      "address add 192.168.106.242/24 dev eth0",
      "address add fd06::242/64 dev eth0 nodad",
      "link set eth0 up",
    ])
    try host.set("net/ipv4/ip_forward", to: "1")
    try Self.connect(container, "172.17.0.2/16", "fd17::2/64", via: "172.17.0.1", "fd17::1")
    try Self.connect(lan, "192.168.106.10/24", "fd06::10/64", via: "192.168.106.242", "fd06::242")
  }

  /// Removes the network now.
  public func remove() { network.remove() }

  /// Gives a neighbour its addresses, and the host as its way to everywhere else.
  private static func connect(
    _ namespace: NetworkNamespace, _ v4: String, _ v6: String, via v4Router: String, _ v6Router: String
  ) throws {
    try namespace.ip([
      "address add \(v4) dev eth0",
      "address add \(v6) dev eth0 nodad",
      "link set eth0 up",
      "route add default via \(v4Router)",
      "route add default via \(v6Router)",
    ])
  }
}

/// Two hosts and a wire between them, each with its end at eth0.
public final class PairNetwork: Sendable {
  private let network: TestNetwork
  /// The host under test.
  public var host: NetworkNamespace { network["host"] }
  /// Whoever asks it.
  public var client: NetworkNamespace { network["client"] }

  /// Lays the network, without duplicate address detection on these addresses.
  ///
  /// - Parameters:
  ///   - host: the host's addresses, each with its prefix length; any number.
  ///   - client: the client's.
  ///   - mtu: of both ends, in bytes.
  /// - Throws: `TestFailure` with what `ip` said.
  public init(
    host hostAddresses: [String] = ["10.1.0.1/16", "fd01::1/64"],
    client clientAddresses: [String] = ["10.1.255.1/16", "fd01::ffff/64"], mtu: Int = 1500
  ) throws {
    network = try TestNetwork(["host", "client"])
    try host.ip([
      "link add eth0 mtu \(mtu) type veth peer name eth0 mtu \(mtu) netns \(network.name(of: "client"))",
      "link set eth0 up",
    ])
    try client.ip(["link set eth0 up"])
    try host.add(hostAddresses, to: "eth0")
    try client.add(clientAddresses, to: "eth0")
  }

  /// Removes the network now.
  public func remove() { network.remove() }
}
