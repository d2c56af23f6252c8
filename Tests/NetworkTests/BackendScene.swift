import Linux
import Support
import Testing

/// How a relay reaches its backend.
enum Way: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case multiplexed
  case connected
  case connectedV6 = "connected, IPv6"
  case remote = "connected, another host"

  var testDescription: String { rawValue }

  var isConnected: Bool { self != .multiplexed }

  /// The two ways to a backend on 127.0.0.1.
  static let local = [Way.multiplexed, .connected]

  var backendAddress: String {
    switch self {
    case .multiplexed, .connected: "127.0.0.1"
    case .connectedV6: "[::1]"
    case .remote: "10.1.255.1"
    }
  }

  /// The option that chooses it.
  var upstream: String { isConnected ? "connected" : "multiplexed" }
}

/// A host with a relay, a client on its wire, and a backend whose life a test governs.
final class BackendScene {
  let way: Way
  let network: PairNetwork
  let relay: MultihomedProcess
  /// Where the relay is asked.
  let asked: Endpoint
  let backend: Endpoint
  private(set) var service: ServiceProgram?

  /// Lays the network and starts the relay; the service not yet.
  init(
    _ way: Way, _ options: String = "", environment: [String: String] = [:], faults: FaultInjection? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) throws {
    self.way = way
    network = try PairNetwork()
    // No address that becomes usable only while the test goes on.
    for end in [network.host, network.client] { try end.ip(["address flush dev eth0 scope link"]) }
    // Every refusal is told, not one a second.
    try network.client.set("net/ipv4/icmp_ratelimit", to: "0")
    asked = try .of("10.1.0.1:5678")
    backend = try .of("\(way.backendAddress):7000")
    let arguments = "relay --listen 5678 --backend \(backend) --upstream \(way.upstream) \(options)"
    relay = try MultihomedProcess.start(
      in: network.host, arguments.split(separator: " ").map(String.init), environment: environment, faults: faults,
      file: file, line: line)
  }

  /// Starts the service, in the place of one that may have been there.
  func startService(receiveBuffer: Int? = nil) throws {
    service = nil
    service = try ServiceProgram(
      on: backend, in: way == .remote ? network.client : network.host, receiveBuffer: receiveBuffer)
  }

  /// A client beside the others.
  func client() throws -> UDPClient { try UDPClient(in: network.client, to: asked) }

  /// Very many clients: 10.64.0.0/12, a million addresses.
  func crowd() throws -> Crowd {
    try network.client.ip(["route add local 10.64.0.0/12 dev lo"])
    try network.host.ip(["route add 10.64.0.0/12 via 10.1.255.1"])
    return try Crowd(in: network.client, from: .of("10.64.0.0"), port: 4000, asking: asked)
  }
}

/// How much a test does: all of it, or where nothing is optimised, a part.
enum Load {
  #if DEBUG
    static let isFull = false
  #else
    static let isFull = true
  #endif

  static func count(_ full: Int) -> Int { isFull ? full : full / 20 }
}

extension ManagedProcess {
  /// VmRSS (proc(5)).
  func residentBytes() throws -> Int {
    let status = try ManagedProcess.run("cat", ["/proc/\(processID)/status"])
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    guard let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      throw TestFailure("no VmRSS in \(status)")
    }
    return kilobytes << 10
  }
}
