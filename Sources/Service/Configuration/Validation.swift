import Addresses
import Linux
import Relay

/// Checks what a process was told, as far as that can be done without looking at the host.
public func validate(_ configuration: ProcessConfiguration) throws(ConfigurationError) {
  guard !configuration.relays.isEmpty else { throw .usage("there is no relay; give --listen and --backend") }
  for relay in configuration.relays { try validate(relay) }
  try configuration.checkProcess()
  for relay in configuration.relays { try relay.checkShares(among: configuration.workers) }
  try RelayConfiguration.refuseOverlaps(configuration.relays.flatMap(\.listen))
}

extension ProcessConfiguration {
  /// Checks what is not one relay's alone.
  func checkProcess() throws(ConfigurationError) {
    if case .count(let count) = workers, !(1...WorkerCount.limit).contains(count) {
      throw .usage("--workers \(count) is out of range; give 1 to \(WorkerCount.limit), or auto")
    }
    guard drainLimit <= .day else {
      throw .usage("--drain-limit \(drainLimit.text) is too long; give at most 24h")
    }
    if let bytes = receiveBuffer, bytes != 0, !(4_096...(1 << 30)).contains(bytes) {
      throw .usage(
        "--receive-buffer \(ByteCount.text(bytes)) is out of range; give 4KiB to 1GiB, or 0 for what the system gives")
    }
    guard busyPoll <= .seconds(1) else {
      throw .usage("--busy-poll \(busyPoll.text) is too long; give at most 1s, as in 50us")
    }
    try checkMetrics()
  }
}

extension RelayConfiguration {
  /// Checks that each worker can have a share of its source addresses.
  func checkShares(among workers: WorkerCount) throws(ConfigurationError) {
    let workers = workers.resolved()
    guard let pool = sourcePool, SourceRange(pool).count < workers else { return }
    throw .usage("--source-pool \(pool) has fewer addresses than there are workers (\(workers)); give a larger block")
  }
}

/// Checks one relay, as far as that can be done without looking at the host.
public func validate(_ relay: RelayConfiguration) throws(ConfigurationError) {
  try relay.checkListen()
  try relay.checkBackend()
  try relay.checkUpstream()
  try relay.checkLimits()
}

extension RelayConfiguration {
  fileprivate func checkListen() throws(ConfigurationError) {
    guard !listen.isEmpty else { throw .usage("there is nothing to listen on; give --listen PORT") }
    for specification in listen {
      guard case .endpoint(let endpoint) = specification else { continue }
      try check(listenEndpoint: endpoint)
    }
    try Self.refuseOverlaps(listen)
  }

  private func check(listenEndpoint endpoint: Endpoint) throws(ConfigurationError) {
    let address = endpoint.address
    if address.isWildcard {
      throw .usage(
        "--listen \(endpoint) is the wildcard address; give the port alone, --listen \(endpoint.port), for every address"
      )
    }
    if address.isMulticast || address.isBroadcast {
      throw .usage("--listen \(endpoint) is not an address of one host; give a unicast address, or the port alone")
    }
    if address.lacksScope {
      throw .usage("--listen \(endpoint) lacks its interface; write it as [\(address)%eth0]:\(endpoint.port)")
    }
    if !filter.families.contains(address) {
      let flag = address.isIPv4 ? "--ipv6-only" : "--ipv4-only"
      throw .usage("--listen \(endpoint) and \(flag) contradict each other; leave one of them out")
    }
    if let rule = filter.addresses.first(where: { $0.excludes && $0.matches(address) }) {
      throw .usage("--listen \(endpoint) and --address '\(rule)' contradict each other; leave one of them out")
    }
  }

  fileprivate static func refuseOverlaps(_ listen: [ListenSpecification]) throws(ConfigurationError) {
    for (index, first) in listen.enumerated() {
      guard let second = listen[(index + 1)...].first(where: first.overlaps) else { continue }
      throw .usage("--listen \(first) and --listen \(second) overlap; name every port once")
    }
  }

  fileprivate func checkBackend() throws(ConfigurationError) {
    guard case .endpoints(let address, let ports) = backend else { return }
    if address.isWildcard {
      throw .usage(
        "--backend \(backend) is the wildcard address, to which nothing can be sent; give the address at which the "
          + "service is reached, as in \(address.isIPv4 ? "127.0.0.1" : "[::1]"):\(PortRange.describe(ports))")
    }
    if address.isMulticast || address.isBroadcast {
      throw .usage("--backend \(backend) is not an address of one host; give a unicast address")
    }
    if address.lacksScope {
      throw .usage(
        "--backend \(backend) lacks its interface; write it as [\(address)%eth0]:\(PortRange.describe(ports))")
    }
    try check(backendPorts: ports)
    if listen.contains(where: { $0.names(address, ports) }) {
      throw .usage(
        "--backend \(backend) is what this relay itself listens on; move the service to another address or port and "
          + "give that to --backend")
    }
  }

  private func check(backendPorts ports: ClosedRange<UInt16>) throws(ConfigurationError) {
    guard ports.count > 1 else { return }
    guard listen.count == 1, let only = listen.first, only.ports.count == ports.count else {
      throw .usage(
        "--backend \(backend) has \(ports.count) ports, which takes exactly one --listen LOW-HIGH of \(ports.count) "
          + "ports; give that, or a backend with one port")
    }
  }

  fileprivate func checkUpstream() throws(ConfigurationError) {
    let address = backend.address
    if upstream == .multiplexed, !address.isIPv4 || !address.isLoopback {
      throw .usage(
        "--upstream multiplexed needs a backend in 127.0.0.0/8, and \(backend) is not; leave --upstream at auto")
    }
    guard let sourcePool else { return }
    guard resolvedUpstream == .multiplexed else {
      let reason = upstream == .connected ? "--upstream connected has none" : "the backend \(backend) needs none"
      throw .usage("--source-pool is for the multiplexed upstream, and \(reason); leave --source-pool out")
    }
    try check(sourcePool: sourcePool)
  }

  private func check(sourcePool pool: CIDR) throws(ConfigurationError) {
    guard pool.base.isIPv4, SourcePoolLimits.prefixLengths.contains(pool.prefixLength) else {
      throw .usage("--source-pool \(pool) cannot be used; give an IPv4 block from /8 to /30, as in 127.64.0.0/10")
    }
    guard pool.base.v4 >> 24 != 0, pool.base.v4 >> 28 < 0xe else {
      throw .usage("--source-pool \(pool) holds no unicast addresses; give a block as in 127.64.0.0/10")
    }
    for taken in [IPAddress.loopbackIPv4, backend.address] where pool.contains(taken) {
      throw .usage(
        "--source-pool \(pool) holds \(taken), which is in use; give a block without it, as in 127.64.0.0/10")
    }
  }

  fileprivate func checkLimits() throws(ConfigurationError) {
    for (option, value) in [("--idle-timeout", idleTimeout), ("--unreplied-timeout", unrepliedTimeout)] {
      guard value.count > 0, value <= .day else {
        throw .usage("\(option) \(value.text) is out of range; give more than 0s and at most 24h")
      }
    }
    guard (1...16_000_000).contains(maxSessions) else {
      throw .usage("--max-sessions \(maxSessions) is out of range; give 1 to 16000000")
    }
  }
}

enum SourcePoolLimits {
  /// Every address of the block is handed out, but lo's broadcast address: 4 of a /30, 16,777,216 of a /8.
  static let prefixLengths = 8...30
}

extension IPAddress {
  /// 255.255.255.255.
  var isBroadcast: Bool { isIPv4 && v4 == .max }

  /// A link-local IPv6 address that does not say on which link.
  var lacksScope: Bool { isLinkLocalIPv6 && scope == 0 }
}
