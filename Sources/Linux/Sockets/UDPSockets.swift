import CLinux
import Glibc

/// The kinds of socket that a relay opens, each with the settings that make it what it is.
extension Socket {
  /// What we ask for a socket's queues. 4 MiB hold some 3,000 datagrams of 1,200 bytes with the kernel's overhead, a
  /// tenth of a second at 30,000 a second; net.core.rmem_max usually allows less.
  static let queueBytes: Int32 = 4 << 20

  /// The sockets of one listener, one for each worker, all on the same endpoint.
  ///
  /// The first is bound as if it were alone, and only then opened to the others. So a port that someone else holds is
  /// refused even if that one has SO_REUSEPORT, as many services have: the kernel would let us in, and give each of us a
  /// part of the clients.
  ///
  /// - Parameter workers: at least 1.
  /// - Throws: what `bind(to:)` throws, and EMFILE.
  public static func listeners(on endpoint: Endpoint, workers: Int) throws(Errno) -> [Socket] {
    let first = try listener(on: endpoint, sharesPort: false)
    if workers > 1 { try first.apply([.reusePort]) }
    var sockets = [first]
    while sockets.count < workers { sockets.append(try listener(on: endpoint, sharesPort: true)) }
    return sockets
  }

  /// The sockets of one listener beside a service's that is bound to the wildcard of the same port. They belong to the
  /// service's user: SO_REUSEPORT lets nobody else in. The service's own sockets must have that option meanwhile.
  ///
  /// - Parameters:
  ///   - user: whom the service's sockets belong to.
  ///   - workers: at least 1.
  ///   - staysShared: whether the service may bind further sockets of its own later, beside which ours must be. If not,
  ///     and if there is one worker, the port is closed behind us even for the service's user.
  /// - Throws: EPERM without the right to act in the user's name, what `bind(to:)` throws, and EMFILE.
  public static func listeners(
    on endpoint: Endpoint, workers: Int, besideUser user: UInt32, staysShared: Bool
  ) throws(Errno) -> [Socket] {
    var sockets: [Socket] = []
    while sockets.count < workers {
      let socket = try Rights.inName(of: user) { () throws(Errno) in try Socket(udpFor: endpoint.address) }
      try socket.becomeListener(on: endpoint, sharesPort: true)
      sockets.append(socket)
    }
    if workers == 1, !staysShared { try sockets[0].setSharesPort(false) }
    return sockets
  }

  /// The socket of one listener: bound to one address, hence answering from it.
  ///
  /// - Parameter sharesPort: whether other workers have a socket on the same endpoint.
  /// - Throws: what `bind(to:)` throws, and EMFILE.
  public static func listener(on endpoint: Endpoint, sharesPort: Bool) throws(Errno) -> Socket {
    let socket = try Socket(udpFor: endpoint.address)
    try socket.becomeListener(on: endpoint, sharesPort: sharesPort)
    return socket
  }

  private func becomeListener(on endpoint: Endpoint, sharesPort: Bool) throws(Errno) {
    if sharesPort { try apply([.reusePort]) }
    if !endpoint.address.isIPv4 { try apply([.v6Only]) }
    try askForAll(isIPv4: endpoint.address.isIPv4)
    try bind(to: endpoint)
  }

  /// Asks for everything that a listener must be told about its datagrams, and for large queues. A bound socket takes it, too.
  func askForAll(isIPv4: Bool) throws(Errno) {
    try apply([
      .announceErrors, .receiveTrains, .receiveQueueDrops,
      isIPv4 ? .receiveTrafficClassV4 : .receiveTrafficClassV6,
      isIPv4 ? .receiveHopLimitV4 : .receiveHopLimitV6,
    ])
    try enlargeQueues(to: Self.queueBytes)
  }

  /// The TTL with which the multiplexing upstream sends. The backend is on this host, so 1 would do; 32 leaves room for
  /// the longest chain of relays on one host that makes any sense, and lets a loop of relays die.
  public static let multiplexedHopLimit: UInt8 = 32

  /// The one socket of a multiplexing upstream: it may send from any local address, and hears only the backend.
  ///
  /// - Parameters:
  ///   - backend: the backend's IPv4 address.
  ///   - ports: the backend's ports.
  /// - Throws: EMFILE, ENOMEM, or what the filter's attachment throws.
  public static func multiplexedUpstream(backend: IPAddress, ports: ClosedRange<UInt16>) throws(Errno) -> Socket {
    let socket = try Socket(udpFor: backend)
    // Loopback always has the index 1: the kernel makes it first in every network namespace.
    let loopback = Int32(InterfaceIndex.named("lo") ?? 1)
    // Before bind, so that not one datagram of a stranger ever enters the queue.
    let refused = mh_admit_only(socket.descriptor, backend.v4, ports.lowerBound, ports.upperBound, loopback)
    if refused < 0 { throw Errno(-refused) }
    try socket.apply([
      .announceErrors, .receiveDestination, .receiveTrains, .receiveQueueDrops, .receiveTrafficClassV4,
      .hopLimitV4(Int32(multiplexedHopLimit)),
    ])
    try socket.enlargeQueues(to: queueBytes)
    try socket.bind(to: Endpoint(.anyIPv4, 0))
    return socket
  }

  /// The hop limit with which a connected upstream sends: the usual one (RFC 1700). Not left to the host, whose own may
  /// be larger (net.ipv4.ip_default_ttl; a router's advertisement): what arrives with less must not leave with more.
  public static let connectedHopLimit: UInt8 = 64

  /// The socket of one session of a connected upstream.
  ///
  /// It is not bound first: what arrives between bind and connect would stay in its queue. The kernel binds it on its own
  /// just before it connects it, so that a moment remains: whoever receives must look at the sender all the same.
  ///
  /// - Throws: EMFILE, ENFILE, EAGAIN (no ephemeral port is left), ENETUNREACH.
  public static func connectedUpstream(to backend: Endpoint) throws(Errno) -> Socket {
    let socket = try Socket(udpFor: backend.address)
    try socket.apply([
      .announceErrors, .receiveTrains, .receiveQueueDrops,
      backend.address.isIPv4 ? .receiveTrafficClassV4 : .receiveTrafficClassV6,
      backend.address.isIPv4 ? .hopLimitV4(Int32(connectedHopLimit)) : .hopLimitV6(Int32(connectedHopLimit)),
    ])
    try socket.connect(to: backend)
    return socket
  }

  /// A plain bound socket, as a simple service has it: trains, the sender's type of service, large queues.
  ///
  /// - Throws: what `bind(to:)` throws.
  public static func service(on endpoint: Endpoint) throws(Errno) -> Socket {
    let socket = try Socket(udpFor: endpoint.address)
    try socket.apply([.announceErrors, .receiveTrains])
    try socket.enlargeQueues(to: queueBytes)
    try socket.bind(to: endpoint)
    return socket
  }
}
