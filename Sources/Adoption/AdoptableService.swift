package import Linux

/// A running service that holds a port by the wildcard address, as far as adoption needs to know it. A value: what may be
/// adopted is decided here, and nothing is touched.
package struct AdoptableService: Hashable, Sendable {
  /// The port that it holds.
  package let port: UInt16
  /// Its wildcard sockets; at least one. Several where it has one for each family, thread or process.
  package let sockets: [ServiceSocket]
  /// Sockets of its own on 127.0.0.1 or ::1, which get what is sent to the backend.
  private let besides: Set<UInt64>

  /// Judges what holds a port.
  ///
  /// - Parameters:
  ///   - entries: every socket of the port.
  ///   - facts: what the broker knows of the wildcard ones.
  ///   - families: those that are asked for; another service may have the other one.
  /// - Throws: why it cannot be adopted.
  package init(
    port: UInt16, entries: [UDPSocketEntry], facts: [SocketFacts], families: Families
  ) throws(Refusal) {
    let wanted = entries.filter { $0.isWildcard && families.meets($0) }
    guard !wanted.isEmpty else { throw Self.reasonForNone(port, entries) }
    let known = Dictionary(facts.map { ($0.inode, $0) }, uniquingKeysWith: { $1 })
    if let other = Self.otherAdoption(entries, beside: wanted, known) { throw .adopted(port, other) }
    var sockets: [ServiceSocket] = []
    for entry in wanted { sockets.append(try ServiceSocket(entry, known[entry.inode], port)) }
    self.port = port
    self.sockets = sockets
    let besides = entries.filter(\.isOnLoopback)
    self.besides = Set(besides.map(\.inode))
    try checkThatItIsOne()
    for entry in besides where entry.local == backend { try check(besides: entry, known[entry.inode]) }
    try checkThatItKeepsItsSocket(entries)
  }

  /// How often to look anew when a socket comes between the two looks that are taken, the broker's and ours.
  private static let looks = 3

  /// Looks at what holds a port.
  ///
  /// - Throws: why it cannot be adopted.
  static func find(_ port: UInt16, _ families: Families, _ broker: BrokerClient) throws(Refusal) -> AdoptableService {
    var looks = 1
    while true {
      guard let facts = try? broker.survey(), let entries = try? UDPSocketTable.read(port: port) else {
        throw .cannotLook(port)
      }
      let seen = Set(facts.map(\.inode))
      if looks < Self.looks, entries.contains(where: { $0.isWildcard && !seen.contains($0.inode) }) {
        looks += 1
        continue
      }
      return try AdoptableService(port: port, entries: entries, facts: facts, families: families)
    }
  }

  /// Whom its sockets belong to.
  package var user: UInt32 { sockets[0].entry.user }
  /// Whether it lets further sockets of its own beside the ones it has.
  package var sharesPort: Bool { sockets.contains { $0.sharesPort } }
  package var takesIPv4: Bool { sockets.contains { $0.entry.takes(ipv4: true) } }
  package var takesIPv6: Bool { sockets.contains { $0.entry.takes(ipv4: false) } }
  /// Where it is reached when its other addresses are ours.
  package var backend: Endpoint { Endpoint(takesIPv4 ? .loopbackIPv4 : .loopbackIPv6, port) }
  /// All its sockets that are to be there.
  var inodes: Set<UInt64> { besides.union(sockets.map(\.entry.inode)) }
  /// What the kernel knows its sockets by; nil where one has none.
  var cookies: [UInt64]? {
    let cookies = sockets.map(\.entry.cookie)
    return cookies.contains(0) ? nil : cookies
  }
  /// `nc (pid 4711)`
  var description: String { sockets[0].holder.description }

  /// Whether it still has a socket of each kind that it had, be it connected meanwhile.
  package func isThere(in entries: [UDPSocketEntry]) -> Bool {
    let present = Set(entries.map(\.inode))
    return [true, false].allSatisfy { ipv4 in
      let ours = sockets.filter { $0.entry.takes(ipv4: ipv4) }
      return ours.isEmpty || ours.contains { present.contains($0.entry.inode) }
    }
  }

  /// Why another one cannot simply take its place, if it cannot.
  package func difference(to other: AdoptableService) -> String? {
    if user != other.user { return "it belongs to user \(other.user), not to user \(user)" }
    if (takesIPv4, takesIPv6) != (other.takesIPv4, other.takesIPv6) { return "it takes other address families" }
    return nil
  }

  /// Those of these families that it takes.
  func served(of families: Families) -> Families {
    Families(ipv4: families.ipv4 && takesIPv4, ipv6: families.ipv6 && takesIPv6)
  }

  /// What should be known beforehand, though it may well be right: one line each.
  var cautions: [String] {
    guard let suspect = sockets.first(where: { $0.reusesAddress && !$0.sharesPort }) else { return [] }
    return [
      "\(suspect.holder) sets SO_REUSEADDR, as services do that open a socket for each client; if it is one, that fails from "
        + "now on: then end this, and bind the service to single addresses or put a relay in front of it"
    ]
  }

  // MARK: What must hold

  /// Who has adopted the service already: the kernel lets nobody of another user be bound beside it.
  private static func otherAdoption(
    _ entries: [UDPSocketEntry], beside wanted: [UDPSocketEntry], _ known: [UInt64: SocketFacts]
  ) -> SocketHolder? {
    let beside = entries.filter { entry in
      !entry.isWildcard && !entry.isOnLoopback
        && wanted.contains { $0.user == entry.user && $0.takes(ipv4: entry.local.address.isIPv4) }
    }
    return beside.lazy.compactMap { known[$0.inode]?.view.holder }.first { $0.name == "multihomed" }
  }

  private static func reasonForNone(_ port: UInt16, _ entries: [UDPSocketEntry]) -> Refusal {
    if entries.isEmpty { return .nobodyListens(port) }
    if entries.contains(where: \.isWildcard) { return .otherFamily(port) }
    let bound = entries.filter { $0.peer == nil }
    return bound.isEmpty ? .connected(port) : .boundToAddresses(port, bound.map(\.local))
  }

  private func checkThatItIsOne() throws(Refusal) {
    guard sockets.allSatisfy({ $0.entry.user == user }) else { throw .severalUsers(port, sockets.map(\.holder)) }
    for ipv4 in [true, false] {
      let rivals = sockets.filter { $0.entry.takes(ipv4: ipv4) }
      let holders = Set(rivals.map(\.holder.id))
      guard holders.count < 2 || rivals.allSatisfy(\.sharesPort) else { throw .rivals(port, rivals.map(\.holder)) }
    }
  }

  /// Who is bound to the backend's address gets what we send there, whoever holds the wildcard.
  private func check(besides entry: UDPSocketEntry, _ facts: SocketFacts?) throws(Refusal) {
    let holder = facts?.view.holder
    let isOurs = holder.map { holder in sockets.contains { $0.holder.id == holder.id } }
    guard entry.user == user, isOurs == true else { throw .backendTaken(entry.local, holder, user: entry.user) }
  }

  /// A service that gives each client a socket of its own binds the port anew for each, and could not beside us. It needs
  /// SO_REUSEADDR for it, which others have, too; seen are those that have a client now, and socat.
  private func checkThatItKeepsItsSocket(_ entries: [UDPSocketEntry]) throws(Refusal) {
    guard let suspect = sockets.first(where: \.reusesAddress) else { return }
    let hasClientSockets = entries.contains { $0.peer != nil && $0.user == user && !$0.local.address.isLoopback }
    if hasClientSockets || suspect.holder.name == "socat" { throw .socketForEachClient(port, suspect.holder) }
  }
}

extension UDPSocketEntry {
  /// Whether it gets what is sent to a backend on this host: bound to 127.0.0.1 or ::1, and connected to nobody.
  var isOnLoopback: Bool { peer == nil && (local.address == .loopbackIPv4 || local.address == .loopbackIPv6) }
}

/// One wildcard socket of a service.
package struct ServiceSocket: Hashable, Sendable {
  let entry: UDPSocketEntry
  let holder: SocketHolder
  let sharesPort: Bool
  let reusesAddress: Bool

  init(_ entry: UDPSocketEntry, _ facts: SocketFacts?, _ port: UInt16) throws(Refusal) {
    if entry.inode == 0 { throw .kernelSocket(port) }
    switch facts?.view {
    case nil, .hidden: throw .hidden(port, user: entry.user)
    case .closed(let holder): throw .notOurs(port, holder, user: entry.user)
    case .open(let holder, let sharesPort, let reusesAddress):
      if holder.name == "multihomed" { throw .multihomed(port, holder) }
      if entry.interface != 0 { throw .boundToInterface(port, holder, entry.interface) }
      self.entry = entry
      self.holder = holder
      self.sharesPort = sharesPort
      self.reusesAddress = reusesAddress
    }
  }
}

/// Which families of a port are to be adopted.
package struct Families: Hashable, Sendable {
  package var ipv4: Bool
  package var ipv6: Bool

  /// Both, unless said otherwise.
  package init(ipv4: Bool = true, ipv6: Bool = true) {
    self.ipv4 = ipv4
    self.ipv6 = ipv6
  }

  /// Whether a socket takes what we are after.
  func meets(_ entry: UDPSocketEntry) -> Bool {
    ipv4 && entry.takes(ipv4: true) || ipv6 && entry.takes(ipv4: false)
  }
}
