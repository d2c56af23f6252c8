package import Addresses
package import EventLoop
package import Linux

/// Listeners on the sockets that a service manager has opened for us (systemd.socket(5)), and for the rest on our own.
package final class ActivatedListeners: ListenerSource {
  private let inherited: InheritedListeners
  /// What the manager calls them, in its order.
  private let given: [(name: String, endpoint: Endpoint)]

  /// - Throws: what is among them that can be no listener.
  package init(_ passed: [ManagerVariables.Passed]) throws(ConfigurationError) {
    var given: [(name: String, endpoint: Endpoint)] = []
    var sockets: [Endpoint: [Socket]] = [:]
    for one in passed {
      let endpoint: Endpoint
      do throws(NotAListener) { endpoint = try one.socket.endpointAsListener() } catch {
        throw .cannotListen(on: one, error)
      }
      given.append((one.name, endpoint))
      sockets[endpoint, default: []].append(one.socket)
    }
    self.given = given
    inherited = InheritedListeners(sockets, .lent)
  }

  /// Each of them must be one that a relay would open itself: otherwise whoever asks there would never be answered.
  package func check(_ configuration: ProcessConfiguration, on snapshot: Snapshot) throws(ConfigurationError) {
    for (name, endpoint) in given {
      guard let relay = configuration.relays.first(where: { $0.mayListen(on: endpoint, snapshot) }) else {
        let fitting = configuration.listeners(on: snapshot).map(\.endpoint)
        throw .noRelay(for: endpoint, name, fitting: "\(EndpointList(fitting))")
      }
      if name != relay.name, configuration.relays.contains(where: { $0.name == name }) {
        throw .otherRelay(endpoint, name, relay.name)
      }
    }
  }

  // MARK: ListenerSource

  package var leavesTakenAddresses: Bool { inherited.leavesTakenAddresses }
  package var remark: String? { inherited.remark }
  package var notes: [String] { inherited.notes }

  package var canBeKept: Bool { true }

  /// What is systemd's is passed on by systemd alone.
  package var obstacleToHandingOver: String? {
    "the service manager has opened listeners, and gives them to no process but one that it starts itself; have it restart "
      + "this one instead, as in systemctl restart, which loses nothing either"
  }

  package func open(_ endpoint: Endpoint, workers: Int) throws(Errno) -> [Socket] {
    try inherited.open(endpoint, workers: workers)
  }

  package func confirm() throws(ConfigurationError) { try inherited.confirm() }

  package func watch(on loop: Loop, _ tell: @escaping (ListenerNews) -> Void) throws(Errno) {
    try inherited.watch(on: loop, tell)
  }
}

extension RelayConfiguration {
  /// Whether the relay listens there, now or whenever an interface has the address.
  package func mayListen(on endpoint: Endpoint, _ snapshot: Snapshot) -> Bool {
    if isOwnBackend(endpoint.address, endpoint.port) { return false }
    return listen.contains { specification in
      switch specification {
      case .endpoint(let named): named == endpoint
      case .ports(let ports): ports.contains(endpoint.port) && filter.mayBecomeEligible(endpoint.address, snapshot)
      }
    }
  }
}

extension AddressFilter {
  /// Whether an address is eligible once its interface is up; of an interface that is not known yet, anything is expected.
  fileprivate func mayBecomeEligible(_ address: IPAddress, _ snapshot: Snapshot) -> Bool {
    let there = snapshot.addresses.filter { $0.address == address }
    if there.isEmpty {
      let filter = AddressFilter(addresses: addresses, families: families, includesLoopback: includesLoopback)
      return filter.isEligible(InterfaceAddress(interface: "", address: address, isUp: true))
    }
    return there.contains {
      isEligible(InterfaceAddress(interface: $0.interface, address: address, isUp: true))
    }
  }
}

extension ConfigurationError {
  fileprivate static func cannotListen(on passed: ManagerVariables.Passed, _ reason: NotAListener) -> ConfigurationError
  {
    let socket = "of the service manager's sockets, descriptor \(passed.socket.descriptor) (\(passed.name))"
    let example = "ListenDatagram=192.0.2.1:5678 in the .socket unit"
    return switch reason {
    case .notUDP: .host("\(socket) is no UDP socket; give only such as \(example)")
    case .unbound: .host("\(socket) is bound to no port; give one, as in \(example)")
    case .wildcard(let endpoint):
      .host(
        "\(socket) is bound to \(endpoint), the wildcard address, and would not know which address was asked; name each "
          + "address, as in \(example), or leave the .socket unit out: every address is listened on without it")
    case .connected(let endpoint): .host("\(socket), on \(endpoint), is connected; give only such as \(example)")
    }
  }

  fileprivate static func noRelay(for endpoint: Endpoint, _ name: String, fitting: String) -> ConfigurationError {
    .host(
      "no relay listens on \(endpoint), a socket that the service manager gave (\(name)); what would fit: "
        + "\(fitting.isEmpty ? "nothing now" : fitting); change ListenDatagram= in the .socket unit, or --listen")
  }

  fileprivate static func otherRelay(_ endpoint: Endpoint, _ name: String, _ other: String) -> ConfigurationError {
    .host(
      "the service manager gave \(endpoint) for relay '\(name)', but it is relay '\(other)' that listens there; change "
        + "FileDescriptorName= or ListenDatagram= in the .socket unit")
  }
}
