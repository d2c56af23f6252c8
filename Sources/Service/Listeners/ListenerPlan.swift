package import Addresses
package import Linux
package import Relay

/// One listener that is to be: an endpoint of this host, for one relay.
package struct ListenerKey: Hashable, Sendable {
  /// The relay.
  package let relay: RelayID
  /// The address and port to bind.
  package let endpoint: Endpoint

  package init(relay: RelayID, endpoint: Endpoint) {
    self.relay = relay
    self.endpoint = endpoint
  }
}

extension ProcessConfiguration {
  /// Every listener that a host with these addresses must have, each once, in the order of the configuration.
  package func listeners(on snapshot: Snapshot) -> [ListenerKey] {
    var seen: Set<ListenerKey> = []
    var keys: [ListenerKey] = []
    for relay in relays {
      for specification in relay.listen {
        for address in specification.addresses(in: snapshot, relay.filter) {
          for port in specification.ports where !relay.isOwnBackend(address, port) {
            let key = ListenerKey(relay: relay.id, endpoint: Endpoint(address, port))
            if seen.insert(key).inserted { keys.append(key) }
          }
        }
      }
    }
    return keys
  }
}

extension ProcessConfiguration {
  /// Whether a listener is wanted if its address is eligible.
  func mayListen(_ key: ListenerKey) -> Bool {
    guard let relay = relays.first(where: { $0.id == key.relay }) else { return false }
    return relay.listen.contains { specification in
      switch specification {
      case .ports(let ports): ports.contains(key.endpoint.port)
      case .endpoint(let endpoint): endpoint == key.endpoint
      }
    }
  }
}

extension RelayConfiguration {
  /// Whether a listener there would forward to itself. At the start that is an error; later it can only come about by an
  /// address that is added, which is then left alone.
  func isOwnBackend(_ address: IPAddress, _ port: UInt16) -> Bool {
    guard case .endpoints(let backend, let ports) = backend else { return false }
    return backend == address && ports.contains(port)
  }

  /// The backend's port for a port that we listen on: the same place in a range, or the only one.
  package func backendPort(for port: UInt16, among ports: ClosedRange<UInt16>) -> UInt16 {
    guard ports.count > 1, let first = listen.first?.ports.lowerBound else { return ports.lowerBound }
    return ports.lowerBound + (port - first)
  }
}
