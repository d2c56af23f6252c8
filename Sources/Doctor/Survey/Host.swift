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
  /// Where the kernel takes the ports of clients from (net.ipv4.ip_local_port_range).
  package var ephemeralPorts: ClosedRange<UInt16> = 32_768...60_999
  /// The ports whose replies a kernel rule of ours mends.
  package var mendedPorts: Set<UInt16> = []

  /// An empty one.
  package init() {}

  /// An address as people write it here: link-local ones with the interface's name.
  package func text(_ address: IPAddress) -> String {
    guard address.scope != 0 else { return address.description }
    return "\(address.scoped(0))%\(interfaces[address.scope] ?? String(address.scope))"
  }
}

/// A UDP socket, with what could be learnt of it.
package struct SurveyedSocket: Hashable, Sendable {
  /// What is known of its settings.
  package enum Settings: Hashable, Sendable {
    /// They were read.
    case read(SocketSettings)
    /// They could not be: why.
    case hidden(Obstacle)
  }

  /// As the kernel lists it.
  package let entry: UDPSocketEntry
  /// The processes that have it open, the oldest first; none where they may not be looked into.
  package let holders: [SocketHolder]
  /// Its settings.
  package let settings: Settings

  /// A socket in all its parts.
  package init(_ entry: UDPSocketEntry, holders: [SocketHolder] = [], settings: Settings) {
    self.entry = entry
    self.holders = holders
    self.settings = settings
  }

  /// What is known for sure; nothing where the settings are hidden.
  var knownSettings: SocketSettings? {
    if case .read(let settings) = settings { settings } else { nil }
  }

  /// Whether it belongs to the kernel itself: WireGuard, VXLAN and the like.
  package var isKernels: Bool { entry.inode == 0 }

  /// Whether it receives whatever its port is asked at any address.
  package var isWildcard: Bool { entry.isWildcard }

  /// Whether it hears one peer only.
  package var isConnected: Bool { entry.peer != nil }
}

/// Why something could not be seen.
package enum Obstacle: Hashable, Sendable {
  /// No process that we may look into has it open.
  case noHolder
  /// The process may not be traced (EPERM): CAP_SYS_PTRACE is missing.
  case mayNotTrace
  /// Any other errno.
  case refused(Errno)
}
