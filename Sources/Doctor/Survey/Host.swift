package import Linux

/// One network namespace, as the survey found it: everything that a diagnosis needs but the kernel's own choices.
package struct Host: Sendable {
  /// An address of the host that clients may ask.
  package struct Address: Hashable, Sendable {
    /// The address; link-local with its scope.
    package let address: IPAddress
    /// The interface that has it.
    package let interface: String

    /// An address on an interface.
    package init(_ address: IPAddress, _ interface: String) {
      self.address = address
      self.interface = interface
    }
  }

  /// Where it is.
  package var place = Place.here
  /// Every address that clients may ask, each once.
  package var addresses: [Address] = []
  /// The names of the interfaces by their indices: another namespace's are not ours.
  package var interfaces: [UInt32: String] = [:]
  /// Every route of every table.
  package var routes: [Route] = []
  /// The blocks that routing rules name.
  package var ruleDestinations: [CIDR] = []
  /// The UDP sockets; of those that are connected, only the ones whose port was asked for.
  package var sockets: [SurveyedSocket] = []
  /// Which users have sockets that are connected to somebody, by their ports; those on loopback do not count.
  package var clientSockets: [UInt16: Set<UInt32>] = [:]
  /// Where the kernel takes the ports of clients from (net.ipv4.ip_local_port_range).
  package var ephemeralPorts: ClosedRange<UInt16> = 32_768...60_999
  /// Of them, those that it does not take, because somebody keeps them for services (net.ipv4.ip_local_reserved_ports).
  package var reservedPorts: [ClosedRange<UInt16>] = []
  /// The ports whose replies a kernel rule of ours mends; nil where that cannot be seen.
  package var mendedPorts: Set<UInt16>? = []

  /// An empty one.
  package init() {}

  /// Whether the kernel may have chosen a port for a client.
  func isClientsPort(_ port: UInt16) -> Bool {
    ephemeralPorts.contains(port) && !reservedPorts.contains { $0.contains(port) }
  }

  /// An address as people write it here: link-local ones with the interface's name.
  package func text(_ address: IPAddress) -> String {
    guard address.scope != 0 else { return address.description }
    return "\(address.scoped(0))%\(interfaces[address.scope] ?? String(address.scope))"
  }
}
