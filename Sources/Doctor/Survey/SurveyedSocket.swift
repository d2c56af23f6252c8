package import Linux

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
