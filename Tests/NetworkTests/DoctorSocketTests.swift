import Glibc
import Linux
import Support
import Testing

/// Settings of a socket that change how it answers: the doctor foretells what two clients then see.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct DoctorSocketTests {
  /// How a socket is set up, and from where it answers the container and the neighbour, each asking the far address.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let option: (level: Int32, name: Int32)
    let value: @Sendable () -> [UInt8]
    /// Asks 192.168.106.242; nil where it is not heard.
    let container: String?
    /// Asks 172.17.0.1.
    let lan: String?
  }

  private static func bytes(_ number: UInt32) -> [UInt8] { unsafe withUnsafeBytes(of: number) { unsafe Array($0) } }

  @Test(arguments: [
    Case(
      testDescription: "nothing", option: (SOL_SOCKET, SO_BROADCAST), value: { bytes(1) }, container: "172.17.0.1",
      lan: "192.168.106.242"),
    Case(
      testDescription: "SO_MARK", option: (SOL_SOCKET, 36), value: { bytes(7) }, container: "192.168.106.242",
      lan: "192.168.106.242"),
    Case(
      testDescription: "SO_BINDTODEVICE", option: (SOL_SOCKET, SO_BINDTODEVICE), value: { Array("docker0".utf8) },
      container: "172.17.0.1", lan: nil),
    Case(
      testDescription: "IP_UNICAST_IF", option: (0, 50),
      value: { bytes((InterfaceIndex.named("docker0") ?? 0).bigEndian) }, container: "172.17.0.1", lan: nil),
  ])
  func theDoctorForetellsWhatClientsSee(_ example: Case) throws {
    let network = try FoundingNetwork()
    try network.host.ip([
      "route add 172.17.0.0/16 dev docker0 src 192.168.106.242 table 100", "rule add fwmark 7 lookup 100",
    ])
    let option = example.option
    let service = try network.host.run { () throws(Errno) in
      let socket = try Socket(udpFor: .anyIPv4)
      let value = example.value()
      guard unsafe setsockopt(socket.descriptor, option.level, option.name, value, socklen_t(value.count)) == 0 else {
        throw Errno(errno)
      }
      try socket.bind(to: Endpoint(.anyIPv4, 5678))
      return socket
    }
    let found = try DoctorRun("--here 5678 --json", in: network.host).service()
    #expect(found["pids"] == .array([.integer(Int(getpid()))]))
    for (asker, block, far, source) in [
      (network.container, "172.17.0.0/16", "192.168.106.242", example.container),
      (network.lan, "192.168.106.0/24", "172.17.0.1", example.lan),
    ] {
      let foretold = found.pairs.first { $0.hasPrefix("\(far) < \(block): ") }
      #expect(foretold == (source == nil || source == far ? nil : "\(far) < \(block): \(source ?? "")"))
      #expect(try answer(of: service, asking: far, from: asker) == source.map { try .of($0) })
    }
  }

  /// The address from which the service answers; nil where it does not hear the question, or its answer does not come.
  private func answer(of service: Socket, asking far: String, from asker: NetworkNamespace) throws -> IPAddress? {
    let client = try UDPClient(in: asker, from: .of("0.0.0.0:40000"))
    try client.send("who?", to: Endpoint(try .of(far), 5678))
    guard try service.waitUntilReadable(within: .milliseconds(200)), let (bytes, from) = try service.receive() else {
      return nil
    }
    try service.send(bytes, to: from)
    return try client.receive(within: .milliseconds(500))?.from.address
  }
}
