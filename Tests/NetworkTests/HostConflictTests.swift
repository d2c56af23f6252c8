import Glibc
import Linux
import Support
import Testing

/// What only the host can show to be wrong: one line that says what to do, and the exit status for it.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct HostConflictTests {
  /// Options that do not go with the host, and the whole answer.
  struct Conflict: Sendable, CustomTestStringConvertible {
    let options: String
    let answer: String

    init(_ options: String, answer: String) {
      self.options = options
      self.answer = answer
    }

    var testDescription: String { options }
  }

  /// A program whose name and pid the answer tells: NAME and PID stand for them.
  struct Holder: Sendable, CustomTestStringConvertible {
    let netcat: String
    let options: String
    let answer: String

    init(_ netcat: String, _ options: String, answer: String) {
      self.netcat = netcat
      self.options = options
      self.answer = answer
    }

    var testDescription: String { "\(netcat), relay \(options)" }
  }

  /// Without any capability, as an ordinary user is; but not as another user, whom a user namespace may not have.
  private static let powerless = ["--inh-caps=-all", "--bounding-set=-all", "--"]

  private func expect(
    _ answer: String, status: Int32 = 78, to options: String, in namespace: NetworkNamespace, powerless: Bool = false
  ) throws {
    let arguments = ["relay"] + options.split(separator: " ").map(String.init)
    let process =
      powerless
      ? try ManagedProcess("setpriv", Self.powerless + [MultihomedProcess.path()] + arguments, in: namespace)
      : try MultihomedProcess.launch(in: namespace, arguments)
    #expect(try process.waitForExit() == .status(status))
    #expect(process.text(of: .error) == "multihomed: error: \(answer)")
    #expect(process.text(of: .output) == "")
  }

  @Test(arguments: [
    Conflict(
      "--listen 5678 --backend echo --interface wlan*",
      answer: "--interface 'wlan*' matches no interface of this host; it has lo, eth0"),
    Conflict(
      "--listen 5678 --backend 10.1.0.1:5678",
      answer: "--backend 10.1.0.1:5678 is what this relay itself listens on; move the service to 127.0.0.1 and give "
        + "--backend 127.0.0.1:5678, or leave the address out with --address '!10.1.0.1'"),
    Conflict(
      "--listen 5000-6000 --backend [fd01::1]:5678",
      answer: "--backend [fd01::1]:5678 is what this relay itself listens on; move the service to [::1] and give "
        + "--backend [::1]:5678, or leave the address out with --address '!fd01::1'"),
    Conflict(
      "--listen 5678 --backend [fe80::1%eth0]:5678",
      answer: "--backend [fe80::1%eth0]:5678 is what this relay itself listens on; move the service to [::1] and give "
        + "--backend [::1]:5678, or leave the address out with --address '!fe80::1'"),
    Conflict(
      "--listen 5678 --backend 127.0.0.1:5678 --loopback",
      answer: "--backend 127.0.0.1:5678 is what this relay itself listens on because of --loopback; leave --loopback "
        + "out, or move the service to another port"),
    Conflict(
      "--listen 5678 --backend echo --source-pool 10.1.0.0/16",
      answer: "--source-pool 10.1.0.0/16 holds 10.1.0.1, an address of eth0; give a block that nobody uses, as in "
        + "127.64.0.0/10"),
  ])
  func whatTheHostContradictsIsAnsweredInOneLine(_ conflict: Conflict) throws {
    let network = try PairNetwork(host: ["10.1.0.1/16", "fd01::1/64", "fe80::1/64"])
    try expect(conflict.answer, to: conflict.options, in: network.host)
  }

  /// A source pool outside of 127.0.0.0/8 is of use only where it leads to this host, and for a wildcard service only where
  /// that answers from the backend's address.
  @Test func whereASourcePoolLeadsIsAskedOfTheKernel() throws {
    let network = try PairNetwork()
    let options = "--listen 5678 --backend 127.0.0.1:9 --source-pool 10.64.0.0/16"
    let remedy = "ip route add local 10.64.0.0/16 dev lo src 127.0.0.1"
    let start = "--source-pool 10.64.0.0/16 is"
    try expect(
      "\(start) not routed to this host itself, so that no reply would come: \(remedy)", to: options, in: network.host)
    try network.host.ip(["route add 10.64.0.0/16 via 10.1.0.2"])
    try expect(
      "\(start) routed to other hosts, to which the service would reply: \(remedy)", to: options, in: network.host)
    for (route, isTold) in [("local 10.64.0.0/16 dev lo", true), ("local 10.64.0.0/16 dev lo src 127.0.0.1", false)] {
      try network.host.ip(["route flush 10.64.0.0/16", "route flush table local 10.64.0.0/16", "route add \(route)"])
      let relay = try MultihomedProcess.relay(in: network.host, options)
      // The whole of what it wrote.
      try relay.stop()
      #expect(relay.process.lines(of: .error).contains { $0.contains("has no source 127.0.0.1") } == isTold)
    }
  }

  private static let inPlace =
    "or leave it as it is and give `multihomed adopt 5678` or `multihomed kernel apply 5678` instead"
  private static let threeWays = (
    v4: "bind that service to 127.0.0.1:5678 alone, or move it to another port, and give that to --backend; \(inPlace)",
    v6: "bind that service to [::1]:5678 alone, or move it to another port, and give that to --backend; \(inPlace)"
  )

  @Test(arguments: [
    Holder(
      "0.0.0.0 5678", "--listen 5678 --backend 127.0.0.1:5678",
      answer: "10.1.0.1:5678 is in use by NAME (pid PID, on 0.0.0.0:5678); \(threeWays.v4)"),
    Holder(
      "0.0.0.0 5678", "--listen 5678 --backend echo --workers 2",
      answer: "10.1.0.1:5678 is in use by NAME (pid PID, on 0.0.0.0:5678); \(threeWays.v4)"),
    Holder(
      "0.0.0.0 5678", "--listen 5000-6000 --backend echo",
      answer: "10.1.0.1:5678 is in use by NAME (pid PID, on 0.0.0.0:5678); \(threeWays.v4)"),
    Holder(
      ":: 5678", "--listen 5678 --backend [::1]:5678 --ipv6-only",
      answer: "[fd01::1]:5678 is in use by NAME (pid PID, on [::]:5678); \(threeWays.v6)"),
    // netcat sets SO_REUSEPORT, as our workers do among themselves.
    Holder(
      "10.1.0.1 5678", "--listen 5678 --backend echo --workers 2",
      answer: "10.1.0.1:5678 is in use by NAME (pid PID, on 10.1.0.1:5678); leave the address out with --address "
        + "'!10.1.0.1', or bind that service to 127.0.0.1:5678, or give another port to --listen"),
    Holder(
      "10.1.0.1 5678", "--listen 5678 --backend echo",
      answer: "10.1.0.1:5678 is in use by NAME (pid PID, on 10.1.0.1:5678); leave the address out with --address "
        + "'!10.1.0.1', or bind that service to 127.0.0.1:5678, or give another port to --listen"),
    Holder(
      "fd01::1 5678", "--listen 5678 --backend echo",
      answer: "[fd01::1]:5678 is in use by NAME (pid PID, on [fd01::1]:5678); leave the address out with --address "
        + "'!fd01::1', or bind that service to [::1]:5678, or give another port to --listen"),
    Holder(
      "127.0.0.1 5678", "--listen 5678 --backend echo --loopback --address 127.0.0.0/8",
      answer:
        "127.0.0.1:5678 is in use by NAME (pid PID, on 127.0.0.1:5678); bind that service to 127.0.0.1:5678 alone, or "
        + "move it to another port, and give that to --backend, or give another port to --listen"),
  ])
  func aPortInUseNamesItsHolderAndTheWaysOut(_ holder: Holder) throws {
    let network = try PairNetwork()
    let netcat = try ManagedProcess(
      "nc", ["-u", "-l"] + holder.netcat.split(separator: " ").map(String.init), in: network.host)
    try network.host.waitForService(on: 5678)
    let name = try #require(ProcFile.read("/proc/\(netcat.processID)/comm")?.split(separator: "\n").first)
    let answer = holder.answer.replacing("NAME", with: name).replacing("PID", with: "\(netcat.processID)")
    try expect(answer, to: holder.options, in: network.host)
    #expect(netcat.exit == nil)
  }

  /// A dual-stack service holds the port for both families.
  @Test(arguments: [("", "10.1.0.1:5678", threeWays.v4), ("--ipv6-only", "[fd01::1]:5678", threeWays.v6)])
  func aDualStackServiceHoldsThePortForBothFamilies(options: String, endpoint: String, ways: String) throws {
    let network = try PairNetwork()
    let service = try TestService(on: .of("[::]:5678"), in: network.host)
    let name = try #require(ProcFile.read("/proc/self/comm")?.split(separator: "\n").first)
    try expect(
      "\(endpoint) is in use by \(name) (pid \(getpid()), on [::]:5678); \(ways)",
      to: "--listen 5678 --backend echo \(options)", in: network.host)
    #expect(service.tally.received == 0)
  }

  /// Both share the port among their own workers, and nobody else.
  @Test(arguments: ["", "--workers 2"])
  func aSecondRelayIsRefused(options: String) throws {
    let network = try PairNetwork()
    let first = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend echo --workers 2")
    try expect(
      "10.1.0.1:5678 is in use by multihomed (pid \(first.process.processID), on 10.1.0.1:5678); leave the address out "
        + "with --address '!10.1.0.1', or bind that service to 127.0.0.1:5678, or give another port to --listen",
      to: "--listen 5678 --backend echo \(options)", in: network.host)
    #expect(first.process.exit == nil)
  }

  @Test func aHolderThatWeMayNotLookIntoIsToldByItsUser() throws {
    let network = try PairNetwork()
    let service = try ManagedProcess("nc", ["-u", "-l", "0.0.0.0", "5678"], in: network.host)
    try network.host.waitForService(on: 5678)
    try expect(
      "10.1.0.1:5678 is in use by a process of user \(getuid()), on 0.0.0.0:5678 (root can see which); "
        + Self.threeWays.v4,
      to: "--listen 5678 --backend echo", in: network.host, powerless: true)
    #expect(service.exit == nil)
  }

  @Test(arguments: [("--ipv4-only", "10.1.0.1:53"), ("--ipv6-only", "[fd01::1]:53"), ("--workers 2", "10.1.0.1:53")])
  func aPortBelow1024TakesARight(options: String, endpoint: String) throws {
    let network = try PairNetwork()
    try expect(
      "no right to listen on \(endpoint), a port below net.ipv4.ip_unprivileged_port_start; run as root, or give the "
        + "right with: setcap cap_net_bind_service=+ep \(MultihomedProcess.realPath()) (\(SetcapHint.caution))",
      to: "--listen 53 --backend echo \(options)", in: network.host, powerless: true)
  }

  /// Nothing else takes a right.
  @Test func withoutAnyRightAnOrdinaryPortIsServed() throws {
    let network = try PairNetwork()
    try network.host.set("net/ipv4/ip_unprivileged_port_start", to: "53")
    let arguments = ["relay", "--listen", "53", "--listen", "5678", "--backend", "echo"]
    let relay = try MultihomedProcess.start(
      in: network.host, Self.powerless + [MultihomedProcess.path()] + arguments, program: "setpriv")
    for text in ["10.1.0.1:53", "[fd01::1]:5678"] {
      #expect(try UDPClient(in: network.client, to: .of(text)).ask("hello")?.bytes == [UInt8]("hello".utf8))
    }
    #expect(try relay.stop() == .status(0))
  }
}
