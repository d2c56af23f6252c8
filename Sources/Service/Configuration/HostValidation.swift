public import Addresses
import Linux

/// Checks what a process was told against the host that it is to run on.
public func validate(_ configuration: ProcessConfiguration, against snapshot: Snapshot) throws(ConfigurationError) {
  for relay in configuration.relays { try validate(relay, against: snapshot) }
}

/// Checks one relay against the host that it is to run on. An address that the host does not have is no mistake: it may
/// come.
public func validate(_ relay: RelayConfiguration, against snapshot: Snapshot) throws(ConfigurationError) {
  try relay.checkInterfaces(snapshot)
  try relay.checkLoop(snapshot)
  try relay.checkSourcePool(snapshot)
}

extension RelayConfiguration {
  fileprivate func checkInterfaces(_ snapshot: Snapshot) throws(ConfigurationError) {
    guard let rule = filter.rulesMatchingNoInterface(in: snapshot).first else { return }
    throw .host(
      "--interface '\(rule)' matches no interface of this host; it has \(snapshot.interfaces.joined(separator: ", "))")
  }

  /// A relay that is its own backend would send each datagram round and round.
  fileprivate func checkLoop(_ snapshot: Snapshot) throws(ConfigurationError) {
    guard case .endpoints(let address, let ports) = backend else { return }
    let isOurs = listen.contains { specification in
      specification.ports.overlaps(ports) && specification.addresses(in: snapshot, filter).contains(address)
    }
    guard isOurs else { return }
    let start = "--backend \(backend) is what this relay itself listens on"
    guard address.isLoopback else {
      let loopback = address.isIPv4 ? "127.0.0.1" : "[::1]"
      throw .host(
        "\(start); move the service to \(loopback) and give --backend \(loopback):\(PortRange.describe(ports)), or leave "
          + "the address out with --address '!\(address.scoped(0))'")
    }
    throw .host("\(start) because of --loopback; leave --loopback out, or move the service to another port")
  }

  fileprivate func checkSourcePool(_ snapshot: Snapshot) throws(ConfigurationError) {
    guard let pool = sourcePool, let taken = snapshot.addresses.first(where: { pool.contains($0.address) }) else {
      return
    }
    throw .host(
      "--source-pool \(pool) holds \(taken.address), an address of \(taken.interface); give a block that nobody uses, as "
        + "in 127.64.0.0/10")
  }
}
