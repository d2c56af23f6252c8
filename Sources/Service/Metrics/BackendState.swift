import Linux
import Relay

/// Whether a relay's backend is within reach, as far as that can be known without asking it something.
enum BackendState {
  /// False when it is known to be out of reach.
  ///
  /// A multiplexed upstream's backend is on this host: there is a socket on its address and port, or there is none. (Such an
  /// upstream hears of no ICMP errors: they are told to connected sockets alone.) Of another one, what the network tells of
  /// datagrams that did not arrive counts, until the next reply. A backend that is silent is not known to be out of reach.
  static func isUp(_ relay: WorkerCrew.Running) -> Bool {
    guard let plan = relay.plans.first else { return true }
    if case .multiplexed = plan.upstream { return hasSocket(plan.backend, plan.backendPorts) }
    let told = relay.counters.map(\.lastUnreachable).max() ?? Instant(nanoseconds: 0)
    let replied = relay.counters.map(\.lastReply).max() ?? Instant(nanoseconds: 0)
    return replied >= told
  }

  /// Whether a socket takes what is sent to an address, on one of some ports at least. Where the kernel does not tell, true.
  private static func hasSocket(_ address: IPAddress, _ ports: ClosedRange<UInt16>) -> Bool {
    let port = ports.count == 1 ? ports.lowerBound : nil
    guard let entries = try? UDPSocketTable.read(port: port) else { return true }
    return entries.contains { entry in
      ports.contains(entry.local.port) && entry.takes(ipv4: address.isIPv4)
        && (entry.local.address == address || entry.local.address.isWildcard)
    }
  }
}
