import Linux
import Logging
import Relay

// What is told when everything serves.
extension Supervisor {
  func warn() {
    for note in notes + source.notes { logger.warning("\(note)") }
    for relay in configuration.relays where relay.sessionLimit(limits) < relay.maxSessions {
      logger.info(
        "sessions are limited by descriptors and ports: each takes one of both with this backend",
        metadata: ["sessions": "\(relay.sessionLimit(limits))"])
    }
    if echo != nil {
      logger.warning("the echo backend is for trying only: a forged request makes two echo services answer each other")
    }
    let isMultiplexed = configuration.relays.contains { $0.resolvedUpstream == .multiplexed }
    if isMultiplexed, RouteLocalnet.isOn {
      logger.warning(
        "net.ipv4.conf.*.route_localnet is 1: other hosts can reach 127.0.0.0/8 here, the service on it included")
    }
    if keeper.roster.serving.isEmpty { logger.warning("no address to listen on yet; waiting for one") }
  }

  func announce() {
    let serving = keeper.roster.serving.map(\.endpoint).sorted { "\($0)" < "\($1)" }
    let addresses = Set(serving.map(\.address)).count
    let ports = Self.list("port", configuration.relays.flatMap(\.listen).map { PortRange.describe($0.ports) })
    let backends = Self.list("backend", configuration.relays.map { "\($0.backend)" })
    StandardOutput.write(
      line: "ready: \(addresses) \(addresses == 1 ? "address" : "addresses"), \(ports), \(backends)"
        + "\(source.remark ?? "")")
    if !serving.isEmpty { logger.info("listening", metadata: ["addresses": "\(EndpointList(serving))"]) }
    if echo != nil { suggest(serving) }
  }

  /// Each once, behind what they are called.
  private static func list(_ what: String, _ names: [String]) -> String {
    var seen: Set<String> = []
    let each = names.filter { seen.insert($0).inserted }
    return "\(what)\(each.count == 1 ? "" : "s") \(each.joined(separator: ", "))"
  }

  /// Whoever starts the echo backend wants to try something.
  private func suggest(_ serving: [Endpoint]) {
    guard let first = serving.first(where: { $0.address.isIPv4 }) ?? serving.first else { return }
    StandardOutput.write(line: "try it: echo hello | nc -u -w1 \(first.address) \(first.port)")
  }
}
