import Linux
import Support
import Testing

/// The doctor in the founding scenario: whom it blames, whom it does not, and what it says.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct DoctorTests {
  private static let dockerToEth = "192.168.106.242 < 172.17.0.0/16: 172.17.0.1"
  private static let ethToDocker = "172.17.0.1 < 192.168.106.0/24: 192.168.106.242"

  private func start(_ command: String, in namespace: NetworkNamespace, port: UInt16) throws -> ManagedProcess {
    let words = command.split(separator: " ").map(String.init)
    let process = try ManagedProcess(words[0], Array(words.dropFirst()), in: namespace)
    try namespace.waitForService(on: port)
    return process
  }

  @Test func theFaultyServiceIsNamedWithPidPairsReasonAndCommand() throws {
    let network = try FoundingNetwork()
    let service = try start("nc -u -l 0.0.0.0 5678", in: network.host, port: 5678)
    let run = try DoctorRun("--here 5678", in: network.host)
    #expect(run.exit == .status(1))
    let pid = service.processID
    let title = "nc (pid \(pid))"
    #expect(run.lines[0] == "PORT  SERVICE".padded(to: 8 + title.count) + "BOUND TO  VERDICT")
    #expect(run.lines[1] == "5678  \(title)  0.0.0.0   FAULTY: answers 2 of 4 kinds of request from the")
    #expect(run.lines[2] == "".padded(to: 18 + title.count) + "wrong address")
    #expect(
      Array(run.lines.drop { $0 != "\(title), port 5678:" }) == [
        "\(title), port 5678:",
        "  ASKED AT         BY A CLIENT IN           ANSWERS FROM",
        "  172.17.0.1       192.168.106.0/24 (eth0)  192.168.106.242",
        "  192.168.106.242  172.17.0.0/16 (docker0)  172.17.0.1",
        "  It is bound to 0.0.0.0 and does not ask which address was asked (no",
        "  IP_PKTINFO), so the kernel picks the source of each reply by the route to the",
        "  client.",
        "  Mend it, as root:  multihomed adopt 5678",
        "  (no restart; the service then sees its clients as 127.64.0.0/10)",
        "  Or bind it to 127.0.0.1 alone, and put a relay in front:",
        "    multihomed relay --listen 5678 --backend 127.0.0.1:5678",
      ])
    #expect(service.exit == nil)
  }

  @Test func theJSONReportSaysTheSame() throws {
    let network = try FoundingNetwork()
    let service = try start("nc -u -l 0.0.0.0 5678", in: network.host, port: 5678)
    let run = try DoctorRun("--here --json --client 203.0.113.9", in: network.host)
    #expect(run.exit == .status(1))
    #expect(try run.json()["format"] == .integer(1))
    #expect(try run.json()["healthy"] == .bool(false))
    let found = try run.service()
    #expect(found["port"] == .integer(5678))
    #expect(found["name"] == .string("nc"))
    #expect(found["pids"] == .array([.integer(Int(service.processID))]))
    #expect(found["bound_to"] == .array([.string("0.0.0.0")]))
    #expect(found.verdict == "faulty (answers-by-routing)")
    #expect(found["requests"] == .integer(4))
    #expect(found.pairs == [Self.ethToDocker, Self.dockerToEth])
    #expect(found["suggestion"]?["command"] == .string("multihomed adopt 5678"))
  }

  @Test func aClientThatNoRouteLeadsToIsNotCountedUntilOneDoes() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    try network.host.ip(["route add 203.0.113.0/24 via 172.17.0.2"])
    let order = "--here 5678 --client 203.0.113.9 --client 198.51.100.1"
    let run = try DoctorRun("\(order) --json", in: network.host)
    let found = try run.service()
    #expect(
      found.pairs == [
        Self.ethToDocker, Self.dockerToEth, "192.168.106.242 < 203.0.113.0/24: 172.17.0.1",
        "192.168.106.242 < 203.0.113.9/32: 172.17.0.1",
      ])
    #expect(found["requests"] == .integer(8))
    #expect(try run.json()["namespaces"]?[0]?["clients_without_route"] == .array([.string("198.51.100.1")]))
    #expect(
      try DoctorRun(order, in: network.host).lines.last
        == "Client 198.51.100.1: no route leads to it, so that nobody answers it.")
    _ = service
  }

  /// A service that was set up in some way, and the verdict.
  struct Healthy: Sendable, CustomTestStringConvertible {
    let command: String
    let port: UInt16
    let verdict: String
    var testDescription: String { command }
  }

  private static let dnsmasq = "dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --port=5353"

  @Test(arguments: [
    Healthy(command: "\(dnsmasq.dropLast(4))53 --bind-dynamic", port: 53, verdict: "healthy (bound-to-addresses)"),
    Healthy(command: "\(dnsmasq.dropLast(4))53", port: 53, verdict: "healthy (asks-the-kernel)"),
    Healthy(command: "nc -u -l 192.168.106.242 5678", port: 5678, verdict: "healthy (bound-to-addresses)"),
    Healthy(command: "nc -u -l 127.0.0.53 53", port: 53, verdict: "healthy (bound-to-loopback)"),
  ])
  func nothingIsBlamedOn(_ example: Healthy) throws {
    let network = try FoundingNetwork()
    let service = try start(example.command, in: network.host, port: example.port)
    let named = try DoctorRun("--here \(example.port) --json", in: network.host)
    #expect(named.exit == .status(0))
    #expect(try named.service().verdict == example.verdict)
    #expect(try DoctorRun("--here", in: network.host).exit == .status(0))
    #expect(service.exit == nil)
  }

  @Test func theRelayItselfIsHealthy() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("127.0.0.1:5678"), in: network.host)
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend 127.0.0.1:5678")
    let all = try DoctorRun("--here", in: network.host)
    #expect(all.exit == .status(0))
    #expect(all.lines.first == "No UDP service is bound to the wildcard address.")
    let run = try DoctorRun("--here 5678 --json", in: network.host)
    #expect(run.exit == .status(0))
    let services = try run.services()
    let relays = services.filter { $0["name"] == .string("multihomed") }
    #expect(relays.map(\.verdict) == ["healthy (bound-to-addresses)"])
    #expect(services.filter { !relays.contains($0) }.map(\.verdict) == ["healthy (bound-to-loopback)"])
    _ = (service, relay)
  }

  @Test func anAdoptedServiceIsHealthyAsSoonAsItIsAdopted() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    #expect(try DoctorRun("--here 5678 --json", in: network.host).service().verdict == "faulty (answers-by-routing)")
    let adopter = try MultihomedProcess.start(in: network.host, ["adopt", "5678"])
    let run = try DoctorRun("--here --json", in: network.host)
    #expect(run.exit == .status(0))
    #expect(try run.service()["reason"]?["text"] == .string("multihomed listens on 2 addresses in front of it"))
    _ = (service, adopter)
  }

  @Test func whatASocketConnectedToOneClientAnswersIsNoMatterOfRouting() throws {
    let network = try FoundingNetwork()
    let service = try start("nc -u -l 0.0.0.0 5678", in: network.host, port: 5678)
    try UDPClient(in: network.container, to: .of("172.17.0.1:5678")).send("question\n")
    try service.waitForLine(containing: "question")
    let run = try DoctorRun("--here 5678 --json", in: network.host)
    #expect(run.exit == .status(0))
    #expect(try run.service().verdict == "healthy (connected)")
  }

  /// By another name, so that it is known only by what is seen.
  @Test func aServiceThatHasSocketsForItsClientsIsToBeBoundElsewhere() throws {
    let network = try FoundingNetwork()
    let folder = try TemporaryFolder()
    try ManagedProcess.run("sh", ["-c", "ln -s $(command -v socat) \(folder.path)/talker"], in: network.host)
    let service = try start("\(folder.path)/talker UDP4-LISTEN:5678,fork PIPE", in: network.host, port: 5678)
    let before = try DoctorRun("--here --json", in: network.host).service()["suggestion"]
    #expect(before?["command"] == .string("multihomed adopt 5678"))
    #expect(before?["caution"]?.string?.contains("does not open a socket for each client") == true)
    let client = try UDPClient(in: network.container, to: .of("172.17.0.1:5678"))
    #expect(try client.ask("hello") != nil)
    let after = try DoctorRun("--here --json", in: network.host).service()["suggestion"]
    #expect(after?["way"] == .string("rebind") && after?["command"] == .null)
    #expect(after?["relay"] == .string("multihomed relay --listen 5678 --backend 127.0.0.1:15678"))
    // What it is told to do mends it.
    let moved = try start(
      "\(folder.path)/talker UDP4-LISTEN:15679,bind=127.0.0.1,fork PIPE", in: network.host, port: 15_679)
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5679 --backend 127.0.0.1:15679")
    for address in ["172.17.0.1", "192.168.106.242"] {
      let client = try UDPClient(in: network.container, to: .of("\(address):5679"))
      for _ in 1...2 { #expect(try client.ask("hello") != nil) }
    }
    _ = (service, moved, relay)
  }

  @Test func aDualStackServiceIsJudgedForBothFamilies() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("[::]:5678"), in: network.host)
    let found = try DoctorRun("--here 5678 --json", in: network.host).service()
    let pairs = Set(found.pairs.filter { !$0.contains("fe80::") })
    #expect(
      pairs == [
        Self.ethToDocker, Self.dockerToEth, "fd06::242 < fd17::/64: fd17::1", "fd17::1 < fd06::/64: fd06::242",
      ])
    _ = service
  }

  @Test(arguments: [
    "rule add to 172.17.0.2 lookup 100", "rule add ipproto udp sport 5678 lookup 100",
    "rule add uidrange 0-0 lookup 100",
  ])
  func routingRulesAreHonoured(rule: String) throws {
    let network = try FoundingNetwork()
    // What goes to the container leaves by eth0's address: as one may have it with two uplinks.
    try network.host.ip(["route add 172.17.0.0/16 dev docker0 src 192.168.106.242 table 100", rule])
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    let client = try UDPClient(in: network.container, from: .of("172.17.0.2:40000"))
    let source = try client.ask("who?", of: .of("172.17.0.1:5678"))?.from.address
    #expect(source == (try .of("192.168.106.242")))
    let found = try DoctorRun("--here 5678 --json --client 172.17.0.2", in: network.host).service()
    #expect(found.pairs.contains("172.17.0.1 < 172.17.0.2/32: 192.168.106.242"))
    #expect(!found.pairs.contains("192.168.106.242 < 172.17.0.2/32: 172.17.0.1"))
    _ = service
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
