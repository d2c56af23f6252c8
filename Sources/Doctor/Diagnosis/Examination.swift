import Linux

/// One service, looked at closely.
struct Examination {
  private let service: Service
  private let habit: Habit
  private let host: Host
  private let kinds: [ClientKind]
  private let choices: Diagnosis.Choices
  private let exact: [IPAddress: SurveyedSocket]

  /// Ports that are asked at multicast groups: SSDP, WS-Discovery, mDNS and LLMNR.
  private static let discoveryPorts: Set<UInt16> = [1900, 3702, 5353, 5355]

  /// Ports that are told and never asked, so that nobody is answered: syslog (RFC 5426), NetFlow, IPFIX, sFlow, StatsD and
  /// collectd.
  private static let collectorPorts: Set<UInt16> = [514, 2055, 4739, 6343, 8125, 25826]

  /// - Parameter neighbours: every socket of the service's port.
  init(
    _ service: Service, _ habit: Habit, among neighbours: [SurveyedSocket], _ host: Host, _ kinds: [ClientKind],
    _ choices: Diagnosis.Choices
  ) {
    self.service = service
    self.habit = habit
    self.host = host
    self.kinds = kinds
    self.choices = choices
    exact = neighbours.exact(port: service.port)
  }

  var verdict: Verdict {
    if service.isKernel { return .kernel }
    if service.sockets.allSatisfy(\.isConnected) { return .healthy(.connected(service.sockets.count)) }
    let wildcards = service.sockets.filter(\.isWildcard)
    if wildcards.isEmpty { return .healthy(reasonOfExact) }
    let pairs = self.pairs(wildcards)
    let wrong = pairs.filter(\.isWrong)
    if wrong.isEmpty { return .healthy(reason(wildcards)) }
    if let excuse { return .healthy(excuse) }
    if let doubt = doubt(wildcards) { return .unknown(doubt, wrong, of: pairs.count) }
    if isUnderKernelRule { return .unmended(wrong, of: pairs.count, habit) }
    return .faulty(wrong, of: pairs.count)
  }

  /// Why nothing is wrong with a service that has no wildcard socket.
  private var reasonOfExact: HealthyReason {
    let bound = service.boundTo
    return bound.allSatisfy(\.isLoopback) ? .boundToLoopback : .boundToAddresses(bound.count)
  }

  /// Why pairs that differ do not matter, if they do not.
  private var excuse: HealthyReason? {
    if isUnderKernelRule, !habit.outwitsKernelRule { return .mendedByKernelRule }
    if Self.discoveryPorts.contains(service.port) { return .askedByMulticast }
    return Self.collectorPorts.contains(service.port) ? .neverAnswers : nil
  }

  private var isUnderKernelRule: Bool { host.mendedPorts?.contains(service.port) == true }

  private func doubt(_ wildcards: [SurveyedSocket]) -> Doubt? {
    for socket in wildcards {
      if case .hidden(let obstacle) = socket.settings { return .settings(obstacle) }
    }
    return host.mendedPorts == nil && !habit.outwitsKernelRule ? .kernelRule : nil
  }

  /// Why no pair differs.
  private func reason(_ wildcards: [SurveyedSocket]) -> HealthyReason {
    let options = wildcards.compactMap { $0.knownSettings?.option(forIPv4: !$0.entry.isIPv6) }
    if let option = options.first, options.count == wildcards.count { return .asksTheKernel(option: option) }
    let inFront = host.addresses.filter { address in
      exact[address.address] != nil && wildcards.contains { $0.entry.takes(ipv4: address.address.isIPv4) }
    }
    if let first = inFront.first {
      return .inFront(name: exact[first.address]?.holders.service?.name, count: inFront.count)
    }
    return .noPairDiffers
  }

  /// Every pair of an address that a wildcard socket answers for and a kind of client that may ask it. Those of sockets that
  /// know what was asked are answered right; those that cannot be reached are not there.
  private func pairs(_ wildcards: [SurveyedSocket]) -> [Pair] {
    [true, false].flatMap { isIPv4 -> [Pair] in
      guard let socket = answering(wildcards, isIPv4: isIPv4) else { return [] }
      let knows = socket.knownSettings?.knowsDestination(isIPv4: isIPv4, on: socket.entry) ?? false
      return host.addresses.filter { $0.address.isIPv4 == isIPv4 && exact[$0.address] == nil }.flatMap { asked in
        reachable(by: socket).filter { $0.canAsk(asked.address) }.compactMap { kind in
          guard let source = choices[RouteQuestion(from: socket, to: kind.representative)] else { return nil }
          return Pair(asked: asked.address, client: kind, source: knows ? asked.address : source)
        }
      }
    }
  }

  /// The socket that gets a family's datagrams: the kernel prefers one of that very family to a dual-stack one. Of several
  /// that share the port, the one of which we know least.
  private func answering(_ wildcards: [SurveyedSocket], isIPv4: Bool) -> SurveyedSocket? {
    let taking = wildcards.filter { $0.entry.takes(ipv4: isIPv4) }
    let own = taking.filter { $0.entry.isIPv6 != isIPv4 }
    let candidates = own.isEmpty ? taking : own
    return candidates.first { $0.knownSettings?.knowsDestination(isIPv4: isIPv4, on: $0.entry) != true }
      ?? candidates.first
  }

  /// A socket that is bound to an interface hears only who comes by it. A virtual routing domain's interface (vrf) is no
  /// route's own, so that then everybody counts.
  private func reachable(by socket: SurveyedSocket) -> [ClientKind] {
    guard socket.entry.interface != 0 else { return kinds }
    let near = kinds.filter { $0.interface == socket.entry.interface || $0.origin == .given }
    return near.contains { $0.origin != .given } ? near : kinds
  }
}

extension SocketSettings {
  /// Whether each datagram of a family comes with the address that was asked.
  func knowsDestination(isIPv4: Bool, on entry: UDPSocketEntry) -> Bool {
    if tellsOriginalDestination { return true }
    // On an IPv6 socket, IPv6's option covers mapped IPv4, too; IPv4's covers nothing but that.
    return isIPv4 ? tellsDestinationV4 || (entry.isIPv6 && tellsDestinationV6) : tellsDestinationV6
  }

  /// The option by which it knows, as people look for it in a service's source.
  func option(forIPv4 isIPv4: Bool) -> String? {
    if isIPv4, tellsDestinationV4 { return "IP_PKTINFO" }
    if tellsDestinationV6 { return "IPV6_RECVPKTINFO" }
    if tellsDestinationV4 { return "IP_PKTINFO" }
    return tellsOriginalDestination ? "IP_RECVORIGDSTADDR" : nil
  }
}
