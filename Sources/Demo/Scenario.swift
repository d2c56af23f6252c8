package import Linux

/// The founding scenario: a host with two addresses, a container behind one of them, and a LAN peer behind the other.
package struct Scenario {
  /// Where the service listens, and is asked.
  static let port: UInt16 = 5678
  /// Where the container asks from: a fixed port, so that every transcript is the same.
  static let clientPort: UInt16 = 40_000

  /// The host's address towards the container, docker0's.
  package static let docker0 = IPAddress(v4: 0xac11_0001)
  /// The host's other address, eth0's: the one that is asked.
  package static let eth0 = IPAddress(v4: 0xc0a8_6af2)
  /// eth0's IPv6 address.
  static let eth0v6 = IPAddress(v6: 0xfd06_0000_0000_0000, 0x242)
  /// The container.
  package static let container = IPAddress(v4: 0xac11_0002)
  /// The container's IPv6 address.
  static let containerV6 = IPAddress(v6: 0xfd17_0000_0000_0000, 0x2)

  /// The host's network namespace. Sandbox's /run is our own, so nobody else has these names.
  let host = NetworkNamespace.named("host")
  /// The container's network namespace.
  let containerNamespace = NetworkNamespace.named("container")
  /// Whether IPv6 is switched on.
  let hasIPv6: Bool

  /// Lays the network, in the sandbox that this process has entered.
  init() throws(DemoFailure) {
    // The sandbox's loopback is up, and has ::1 unless IPv6 is switched off in one of its many ways.
    hasIPv6 = (try? Socket(udpFor: .loopbackIPv6).bind(to: Endpoint(.loopbackIPv6, 0))) != nil
    try ip([
      "netns add host", "netns add container", "netns add lan",
      "link add docker0 netns host type bridge",
      "link add veth0 netns host type veth peer name eth0 netns container",
      "link add eth0 netns host type veth peer name eth0 netns lan",
    ])
    try ip(
      interface("docker0", "172.17.0.1/16", "fd17::1/64") + interface("eth0", "192.168.106.242/24", "fd06::242/64")
        + withoutLinkLocal("veth0") + ["link set veth0 master docker0 up", "link set lo up"], in: host)
    try ip(
      interface("eth0", "172.17.0.2/16", "fd17::2/64") + ["route add default via 172.17.0.1"]
        + (hasIPv6 ? ["route add default via fd17::1"] : []), in: containerNamespace)
    try ip(interface("eth0", "192.168.106.10/24", "fd06::10/64"), in: .named("lan"))
  }

  private func interface(_ name: String, _ address: String, _ addressV6: String) -> [String] {
    ["addr add \(address) dev \(name)"] + withoutLinkLocal(name)
      + (hasIPv6 ? ["addr add \(addressV6) dev \(name) nodad"] : []) + ["link set \(name) up"]
  }

  /// Duplicate address detection would keep a link-local address from being usable for a second or two: the relay would
  /// sometimes count it and sometimes not.
  private func withoutLinkLocal(_ interface: String) -> [String] {
    hasIPv6 ? ["link set \(interface) addrgenmode none"] : []
  }

  /// Runs ip(8) commands inside a namespace.
  private func ip(_ commands: [String], in namespace: NetworkNamespace? = nil) throws(DemoFailure) {
    let process: ChildProcess
    do throws(Errno) {
      process = try ChildProcess(
        "ip", ["ip", "-batch", "-"], environment: Environment.variables, in: namespace,
        input: commands.map { $0 + "\n" }.joined())
    } catch .notFound {
      throw DemoFailure("the demo lays its network with `ip`, which is not here; install it: apt-get install iproute2")
    } catch {
      throw DemoFailure("cannot run `ip`: \(error)")
    }
    let complaint = try attempt("read what `ip` says") { () throws(Errno) in
      try process.nextLine(within: .seconds(10))
    }
    guard process.waitForExit() == 0 else {
      throw DemoFailure("`ip` could not lay the demo's network: \(complaint ?? "it does not say why")")
    }
  }
}
