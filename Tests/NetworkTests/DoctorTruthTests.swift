import Glibc
import Linux
import Support
import Synchronization
import Testing

/// The doctor's verdict on real services, beside what a real client sees: the container that asks the address which is not
/// on its side. With MULTIHOMED_TRUTH_TABLE, the comparison is written into that file as Markdown.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct DoctorTruthTests {
  private static let table = Monitor<[String: TruthRow]>([:])

  @Test(arguments: RealService.available)
  func theVerdictIsWhatARealClientSees(service: RealService) throws {
    let network = try FoundingNetwork()
    let running = try service.start(in: network.host)
    let verdict = try DoctorRun("--here \(service.port) --json", in: network.host)
    let found = try verdict.services()
    if found.isEmpty {
      // iperf3 makes a socket for each test that a client asks for over TCP: until then there is none to be judged.
      #expect(service.program == "iperf3")
      Self.table.with { $0[service.name] = TruthRow(service, found) }
      return
    }
    var row = TruthRow(service, found)
    for (family, near, far) in [(service.v4, "172.17.0.1", "192.168.106.242"), (service.v6, "fd17::1", "fd06::242")] {
      let foretold = found.flatMap(\.pairs).contains { $0.hasPrefix("\(far) < ") && $0.hasSuffix(": \(near)") }
      guard family != .doesNotListen, try service.place == .everywhere || service.place == .address(.of(far)) else {
        #expect(!foretold, "\(service) at \(far): \(verdict.lines)")
        row.seen.append(nil)
        continue
      }
      let source = try self.source(of: running, asked: .of(far), in: network)
      #expect(source == (try .of(foretold ? near : far)), "\(service) at \(far): \(verdict.lines)")
      row.seen.append(source == (try .of(far)))
    }
    Self.table.with { $0[service.name] = row }
    try Self.write()
  }

  /// The address from which the container is answered.
  private func source(
    of running: RunningService, asked: IPAddress, in network: FoundingNetwork
  ) throws -> IPAddress {
    let wire = try PacketCapture(interface: "docker0", in: network.host)
    let asking = try running.service.beginToAsk(Endpoint(asked, running.port), from: network.container)
    defer { withExtendedLifetime(asking) {} }
    let source = try eventually("\(running.service) at \(asked) answers") {
      try wire.drain().first { $0.direction == .outgoing && $0.packet.udp != nil }?.packet.source
    }
    if running.service.isForOneClient { try running.restart() }
    return source
  }

  private static func write() throws {
    guard let path = unsafe getenv("MULTIHOMED_TRUTH_TABLE").map({ unsafe String(cString: $0) }) else { return }
    let rows = table.with { $0 }
    let lines = RealService.all.compactMap { rows[$0.name]?.line }
    let text = (TruthRow.heading + lines).joined(separator: "\n") + "\n"
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    try #require(descriptor >= 0)
    let file = Socket(owning: descriptor)
    #expect(unsafe Glibc.write(file.descriptor, text, text.utf8.count) == text.utf8.count)
  }
}

/// One line of the table.
private struct TruthRow: Sendable {
  static let heading = [
    "| service | package | bound to | doctor | client over IPv4 | client over IPv6 |", "|---|---|---|---|---|---|",
  ]

  private let service: RealService
  private let bound: String
  private let verdict: String
  /// Whether the answer came from the address that was asked, IPv4 and IPv6; nil where the service does not listen.
  var seen: [Bool?] = []

  init(_ service: RealService, _ found: [JSON]) {
    self.service = service
    let addresses = found.flatMap { $0["bound_to"]?.array ?? [] }.compactMap(\.string)
    bound = addresses.count > 2 ? "each address" : addresses.joined(separator: ", ")
    var verdicts: [String] = []
    for one in found {
      let text = one["verdict"] == .string("faulty") ? Self.fault(one) : one["reason"]?["text"]?.string ?? ""
      let verdict = "\(one["verdict"]?.string ?? ""): \(text)"
      if !verdicts.contains(verdict) { verdicts.append(verdict) }
    }
    verdict = verdicts.isEmpty ? "no UDP socket before a client comes" : verdicts.joined(separator: "; ")
  }

  private static func fault(_ service: JSON) -> String {
    let hasV4 = service.pairs.contains { !$0.hasPrefix("f") }
    let hasV6 = service.pairs.contains { $0.hasPrefix("f") }
    return "answers by routing over "
      + [hasV4 ? "IPv4" : nil, hasV6 ? "IPv6" : nil].compactMap(\.self).joined(separator: " and ")
  }

  var line: String {
    let words = seen.map { $0.map { $0 ? "right address" : "wrong address" } ?? "not served" }
    let both = words.isEmpty ? ["not asked", "not asked"] : words
    return "| " + ([service.name, service.package, bound, verdict] + both).joined(separator: " | ") + " |"
  }
}
