import Glibc
import Linux
import Support
import Testing

/// The doctor's own client: what it sees is true, and nothing is left of it.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct DoctorProbeTests {
  /// `asked: answered from` of the only service that was probed.
  private func exchanges(_ run: DoctorRun) throws -> [String] {
    let probes = try #require(try run.json()["namespaces"]?[0]?["probes"]?.array)
    #expect(probes.count == 1)
    return (probes.first?["exchanges"]?.array ?? []).map {
      "\($0["asked"]?.string ?? ""): \($0["answered_from"]?.string ?? "nobody")"
    }
  }

  /// The names of the interfaces, and the routes that lead to the probe's client.
  private func traces(in namespace: NetworkNamespace) throws -> [String] {
    try namespace.run { () throws(Errno) in
      try InterfaceTable.read().names
        + RouteTable.read().map(\.destination.description).filter {
          $0.hasPrefix("198.18.") || $0.hasPrefix("2001:2:")
        }
    }
  }

  private func addresses(in namespace: NetworkNamespace) throws -> Set<InterfaceAddress> {
    try namespace.run { () throws(Errno) in Set(try InterfaceTable.read().addresses) }
  }

  @Test func aServiceThatAnswersByRoutingIsCaughtAtIt() throws {
    let network = try FoundingNetwork()
    let before = try traces(in: network.host)
    let service = try TestService(on: .of("[::]:5678"), in: network.host)
    let run = try DoctorRun("--here 5678 --probe --json", in: network.host)
    #expect(run.exit == .status(1))
    #expect(
      try exchanges(run) == [
        "172.17.0.1: 172.17.0.1", "192.168.106.242: 172.17.0.1", "fd17::1: fd17::1", "fd06::242: fd17::1",
      ])
    #expect(service.tally.sent == 4)
    #expect(try traces(in: network.host) == before)
  }

  @Test func theExchangeIsShownAsTcpdumpDoes() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    let lines = try DoctorRun("--here 5678 --probe", in: network.host).lines(7, from: "Probe of")
    #expect(lines.count == 6 || lines.dropFirst(6) == [""])
    let shown = lines.prefix(6).map { $0.replacing(#/198\.18\.0\.77\.\d+/#, with: "198.18.0.77.PORT") }
    #expect(shown[0].hasSuffix(", port 5678, by a text:"))
    #expect(shown[1] == "  IP 198.18.0.77.PORT > 172.17.0.1.5678: UDP, length 26")
    #expect(shown[2].hasPrefix("  IP 172.17.0.1.5678 > 198.18.0.77.PORT: UDP, length 26 "))
    #expect(shown[2].hasSuffix(" ✓ as asked"))
    #expect(shown[3] == "  IP 198.18.0.77.PORT > 192.168.106.242.5678: UDP, length 26")
    #expect(shown[4] == "  IP 172.17.0.1.5678 > 198.18.0.77.PORT: UDP, length 26 ✗ not as asked")
    #expect(shown[5] == "  → 1 of 2 answers from the address that was asked")
    _ = service
  }

  @Test func theRelayIsSeenToAnswerFromEachAddress() throws {
    let network = try FoundingNetwork()
    let relay = try MultihomedProcess.relay(in: network.host, "--listen 5678 --backend echo")
    let run = try DoctorRun("--here 5678 --probe --json", in: network.host)
    #expect(run.exit == .status(0))
    #expect(
      try exchanges(run) == FoundingNetwork.hostAddresses.sorted { $0.isIPv4 && !$1.isIPv4 }.map { "\($0): \($0)" })
    #expect(relay.process.exit == nil)
  }

  @Test func whoDoesNotAnswerProvesNothing() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("192.168.106.242:5678"), in: network.host, .echo { $0.replies = 0 })
    let run = try DoctorRun("--here 5678 --probe --json", in: network.host)
    #expect(run.exit == .status(0))
    #expect(try exchanges(run) == ["192.168.106.242: nobody"])
    let lines = try DoctorRun("--here 5678 --probe", in: network.host).lines
    #expect(lines.contains("    no answer: proves nothing"))
    // Whoever does not answer is asked again.
    #expect(service.tally.received > 2)
  }

  @Test func killedInTheMiddleItLeavesNothingBehindAndTheHostHadNoAddressMore() throws {
    let network = try FoundingNetwork()
    try eventually("every link-local address is there") { try self.addresses(in: network.host).count == 9 }
    let addresses = try self.addresses(in: network.host)
    let before = try traces(in: network.host)
    let service = try TestService(on: .of("192.168.106.242:5678"), in: network.host, .echo { $0.replies = 0 })
    let doctor = try MultihomedProcess.launch(in: network.host, ["doctor", "5678", "--probe"])
    // It has asked, and now waits for the answer.
    try service.waitForTally { $0.received >= 1 }
    #expect(try traces(in: network.host) != before)
    #expect(try self.addresses(in: network.host) == addresses)
    doctor.kill()
    try eventually("the interface is gone") { try traces(in: network.host) == before }
  }

  @Test func whatIsMissingForItIsSaid() throws {
    let network = try FoundingNetwork()
    let service = try TestService(on: .of("0.0.0.0:5678"), in: network.host)
    let run = try DoctorRun("--here 5678 --probe", in: network.host, isPowerless: true)
    #expect(run.exit == .status(1))
    #expect(
      run.error == "multihomed: error: --probe makes a network namespace and an interface of its own, and needs "
        + "CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_NET_RAW; run it with sudo")
    #expect(service.tally.received == 0)
    // What could be found without is shown.
    #expect(run.lines.contains { $0.hasPrefix("5678  ") })
    #expect(
      run.lines.joined(separator: " ").contains("Not looked at: what services of this host answer (--probe makes"))
    let json = try DoctorRun("--here --probe --json", in: network.host, isPowerless: true)
    #expect(json.exit == .status(1))
    #expect(try json.services().count == 1)
  }

  /// A service that asks which address was asked, and does not care.
  @Test(arguments: ["--here", "--here 5678"]) func whoIgnoresWhatItIsToldIsCaught(scope: String) throws {
    let network = try FoundingNetwork()
    let service = try ManagedProcess("socat", ["UDP4-RECVFROM:5678,ip-pktinfo,fork", "PIPE"], in: network.host)
    try network.host.waitForService(on: 5678)
    let believed = try DoctorRun("\(scope) --json", in: network.host)
    #expect(believed.exit == .status(0))
    #expect(try believed.service().verdict == "healthy (asks-the-kernel)")
    let run = try DoctorRun("\(scope) --probe --json", in: network.host)
    #expect(run.exit == .status(1))
    #expect(try run.service().verdict == "faulty (answered-wrongly)")
    #expect(try run.service()["suggestion"]?["command"] == .string("multihomed adopt 5678"))
    let text = try DoctorRun("\(scope) --probe", in: network.host).lines
    #expect(text[1].contains("FAULTY: has answered 1 of 2 questions"))
    #expect(service.exit == nil)
  }

  /// What the doctor says where no other namespaces are to be seen than that of a service of somebody else's, which begins with
  /// some commands; `$pid` is its process.
  private func besideAnother(_ beginning: String, _ own: String, in host: NetworkNamespace) throws -> (String, String) {
    let inside =
      "for i in 1 2; do ip link add d$i type bridge; ip address add 10.$i.0.1/24 dev d$i; ip link set d$i up; done; "
      + "\(beginning) exec socat UDP4-RECVFROM:5678,fork PIPE"
    let script =
      "mount -t tmpfs tmpfs /run/netns; unshare --net sh -c '\(inside)' & pid=$!; \(own) "
      + "until grep -q :162E /proc/$pid/net/udp; do sleep 0.1; done; exec \"$0\" doctor --probe"
    let process = try ManagedProcess(
      "unshare", ["--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, MultihomedProcess.path()],
      in: host)
    #expect(try process.waitForExit(within: .seconds(60)) == .status(1))
    let lines = process.lines(of: .output)
    return (lines.joined(separator: " ").replacing(#/ +/#, with: " "), process.text(of: .error))
  }

  /// The interface's name is the pid's, which is 1 in there.
  @Test func whatAnotherNamespaceSpoilsIsNotedAndTheRestIsTold() throws {
    let network = try FoundingNetwork()
    let (text, error) = try besideAnother("ip link add mh-probe1 type bridge;", "", in: network.host)
    #expect(error == "")
    #expect(text.contains("In the namespace of pid") && text.contains("FAULTY: answers 2 of 4 kinds"))
    #expect(
      text.contains(#/Not looked at: what services of the namespace of pid \d+ socat answer \(`ip` could not lay/#))
  }

  /// It is killed by what the probe asks the own service.
  @Test func whatEndsBeforeItIsAskedIsNoted() throws {
    let network = try FoundingNetwork()
    let killer = "socat UDP4-RECVFROM:5679,fork \"SYSTEM:kill -9 $pid; cat\" &"
    let (text, error) = try besideAnother("", killer, in: network.host)
    #expect(error == "")
    #expect(text.contains("In the namespace of pid") && text.contains("port 5679, by a text:"))
    #expect(text.contains("(it has ended meanwhile)"))
  }

  /// 512 addresses, each in a subnet of its own, are 262144 pairs.
  @Test func inAnotherNamespaceThereIsABoundForWhatIsLookedAt() throws {
    let network = try FoundingNetwork()
    let addresses =
      "for a in 1 2; do for b in $(seq 0 254); do echo address add 10.10$a.$b.1/24 dev d1; done; done | ip -batch -;"
    let (text, error) = try besideAnother(addresses, "socat UDP4-RECVFROM:5679,fork PIPE &", in: network.host)
    #expect(error == "")
    #expect(text.contains("port 5679, by a text:") && !text.contains("In the namespace of pid"))
    #expect(
      text.contains(#/than are looked at from elsewhere: look from within, as with `nsenter -t \d+ -n multihomed/#))
  }
}
