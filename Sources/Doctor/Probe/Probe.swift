import Linux

/// Asks services from a client of its own.
struct Probe {
  /// How often whoever has not answered is asked, and how long each time is waited. The kernel may throw the first
  /// questions away: a new interface sends nothing until its work queue has seen that there is a carrier, which it may do
  /// a second late.
  private static let attempts = 5
  private static let patience = Nanoseconds.milliseconds(500)
  /// How many addresses are asked: enough to prove it, and no flood.
  private static let mostAddresses = 32

  private let network: ProbeNetwork
  private let host: Host
  private let capture: PacketCapture

  /// Lays a wire to a station.
  ///
  /// - Throws: when a capability or `ip` is missing.
  init(_ station: Survey.Station) throws(DoctorFailure) {
    let missing = [Capability.systemAdmin, .networkAdmin, .rawNetwork].filter { !$0.isEffective }
    guard missing.isEmpty else {
      throw .host(
        "--probe makes a network namespace and an interface of its own, and needs "
          + "\(missing.map(\.name).joined(separator: ", ")); run it with sudo")
    }
    host = station.host
    let network = try ProbeNetwork(to: station)
    self.network = network
    capture = try attempt("capture what passes the probe's interface") { () throws(Errno) in
      try PacketCapture(interface: "eth0", in: network.namespace)
    }
  }

  /// Asks a service at every address.
  ///
  /// - Throws: when a question cannot be sent.
  func ask(_ service: Service) throws(DoctorFailure) -> ProbeResult {
    let (name, bytes) = ProbeQuestion.of(port: service.port)
    do throws(Errno) {
      return ProbeResult(service: service, question: name, exchanges: try converse(bytes, with: service))
    } catch {
      throw .host("cannot ask port \(service.port): \(error)")
    }
  }

  private struct Client {
    let socket: Socket
    let asked: Endpoint
    let port: UInt16

    func exchange(_ packets: [IPPacket]) -> ProbeResult.Exchange {
      ProbeResult.Exchange(asked: asked, clientPort: port, packets: packets.filter { $0.ports.contains(port) })
    }
  }

  private func converse(_ bytes: [UInt8], with service: Service) throws(Errno) -> [ProbeResult.Exchange] {
    let asked = service.endpoints(on: host).filter { network.canAsk($0.address) }
    _ = try capture.drain()
    let clients = try clients(asking: asked.prefix(Self.mostAddresses))
    var waiting = Set(clients.map(\.port))
    var packets: [IPPacket] = []
    for _ in 0..<Self.attempts where !waiting.isEmpty {
      for client in clients where waiting.contains(client.port) { try client.socket.send(bytes, to: client.asked) }
      packets += try listen(for: &waiting)
    }
    return clients.map { $0.exchange(packets) }
  }

  /// Bound and not connected: a connected socket would refuse what comes from elsewhere, by ICMP.
  private func clients(asking endpoints: ArraySlice<Endpoint>) throws(Errno) -> [Client] {
    var clients: [Client] = []
    for asked in endpoints {
      let wildcard = Endpoint(asked.address.isIPv4 ? .anyIPv4 : .anyIPv6, 0)
      let socket = try Socket.bound(to: wildcard, in: network.namespace)
      let local = try socket.localEndpoint()
      clients.append(Client(socket: socket, asked: asked, port: local.port))
    }
    return clients
  }

  /// Everything that passes until each port has got an answer, or the patience is over.
  private func listen(for waiting: inout Set<UInt16>) throws(Errno) -> [IPPacket] {
    let end = Instant.now + Self.patience
    var packets: [IPPacket] = []
    while !waiting.isEmpty, try capture.socket.waitUntilReadable(within: end - .now) {
      let passed = try capture.drain().map(\.packet)
      waiting.subtract(passed.compactMap(\.answeredPort))
      packets += passed
    }
    return packets
  }
}

extension Service {
  /// Where it can be asked from another host.
  fileprivate func endpoints(on host: Host) -> [Endpoint] {
    host.addresses.map(\.address).filter(receives).map { Endpoint($0, port) }
  }

  private func receives(at address: IPAddress) -> Bool {
    sockets.contains { socket in
      guard !socket.isConnected, socket.entry.takes(ipv4: address.isIPv4) else { return false }
      return socket.isWildcard || socket.entry.local.address == address
    }
  }
}

extension IPPacket {
  /// The ports of a datagram, or of the one that an ICMP error is about.
  fileprivate var ports: [UInt16] {
    switch content {
    case .udp(let source, let destination, _, _): [source, destination]
    case .portUnreachable(let quoted, _): [quoted.source.port, quoted.destination.port]
    case .other, .fragment: []
    }
  }

  /// The client's port that an answer, or an ICMP error instead of one, has come to.
  fileprivate var answeredPort: UInt16? {
    switch content {
    case .udp(_, let destination, _, _): destination
    case .portUnreachable(let quoted, _): quoted.source.port
    case .other, .fragment: nil
    }
  }
}
