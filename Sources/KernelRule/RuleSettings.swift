/// All that distinguishes one host's table from another's.
package struct RuleSettings: Hashable, Sendable {
  /// How many ports one table may have: each costs every datagram of this host one comparison in each direction.
  package static let mostPorts = 64
  /// How many clients of one family may be remembered.
  package static let clientRange = 1...1_000_000
  /// How long one may be remembered, in seconds. The least is longer than `RuleTable.confirmation`, so that a client is
  /// remembered anew before it is forgotten.
  package static let timeoutRange = 2...86_400

  /// The services' ports, ascending.
  package var ports: [UInt16]
  /// How many clients of each family are remembered; see `clientRange`.
  package var clients: Int
  /// How long after their last datagram in either direction, in seconds; see `timeoutRange`.
  package var timeout: Int
  /// What the hash of IPv6 clients begins with: random, so that nobody can find an address whose hash is another's.
  package var seed: UInt32

  /// A table for these ports, with the defaults for what is not given.
  package init(ports: [UInt16], clients: Int = 65_536, timeout: Int = 60, seed: UInt32 = .random(in: 1 ... .max)) {
    self.ports = Set(ports).sorted()
    self.clients = clients
    self.timeout = timeout
    self.seed = seed
  }

  /// Whether both serve their clients alike; ports and seeds do not matter.
  package func remembersLike(_ other: RuleSettings) -> Bool {
    clients == other.clients && timeout == other.timeout
  }
}
