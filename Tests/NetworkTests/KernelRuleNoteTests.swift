import Linux
import Support
import Testing

/// A rule for a port on which there is nothing to mend: it is applied, and said.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct KernelRuleNoteTests {
  @Test func aPortOnWhichNobodyListensIsNoted() throws {
    let scene = try KernelRuleHost()
    let answer = try scene.run("apply 5678 5679")
    #expect(answer.exit == .status(0))
    #expect(
      answer.error
        == "multihomed: note: nobody listens on UDP ports 5678 and 5679 yet, and the rule waits for a service there; if a "
        + "port is wrong: multihomed kernel remove 5678 5679")
    // The service comes later, and is mended.
    let service = try TestService(on: .of("0.0.0.0:5678"), in: scene.host)
    let asked = try Endpoint.of("192.168.106.242:5678")
    #expect(try UDPClient(in: scene.network.container, to: asked).ask("hello")?.from == asked)
    #expect(service.tally.received == 1)
    let again = try scene.run("apply 5678")
    #expect(again.exit == .status(0) && again.error == "")
  }

  @Test func aPortThatOnlyARelayListensOnIsNoted() throws {
    let scene = try KernelRuleHost()
    let relay = try MultihomedProcess.start(
      in: scene.host, ["relay", "--listen", "5678", "--backend", "127.0.0.1:5679"])
    let answer = try scene.run("apply 5678")
    #expect(answer.exit == .status(0))
    #expect(
      answer.error
        == "multihomed: note: there is nothing to mend on UDP port 5678, which is taken by multihomed (pid "
        + "\(relay.process.processID)), a relay, which answers from the address that was asked anyway; if it is the wrong "
        + "port: multihomed kernel remove 5678")
    try relay.stop()
  }

  @Test func aPortWithoutAWildcardSocketIsNoted() throws {
    let scene = try KernelRuleHost()
    let service = try TestService(on: .of("192.168.106.242:5678"), in: scene.host)
    let answer = try scene.run("apply 5678")
    #expect(answer.exit == .status(0))
    #expect(
      answer.error.hasPrefix("multihomed: note: there is nothing to mend on UDP port 5678, which is taken by")
        && answer.error.hasSuffix(
          ", bound to single addresses, from which the answers leave anyway; if it is the wrong port: multihomed kernel "
            + "remove 5678")
    )
    _ = service
  }

  @Test func thePortsOfSeveralCommandsAreCountedTogether() throws {
    let scene = try KernelRuleHost()
    let ports = (6000..<6064).map(String.init)
    try scene.kernel("apply " + ports.dropLast().joined(separator: " "))
    let answer = try scene.run("apply 6063 6064")
    #expect(answer.exit == .status(78))
    #expect(
      answer.error
        == "multihomed: error: with those that the kernel's rule is applied to already it would be 65 ports, and it has room "
        + "for 64; see multihomed kernel show, and take some out with multihomed kernel remove PORT; for a range of ports "
        + "use multihomed relay --listen LOW-HIGH --backend ADDRESS:LOW-HIGH")
    try scene.kernel("apply 6063")
  }

  /// Why a client's address is deleted and added (`AddressForm`): `update` leaves the value of an element that is there.
  @Test func anUpdateKeepsTheAddressThatWasAskedFirst() throws {
    let scene = try KernelRuleHost()
    try scene.nft(
      """
      table inet fact {
        map asked {
          type ipv4_addr . inet_service : ipv4_addr
          size 16
          flags dynamic,timeout
          timeout 1m
        }
        chain input {
          type filter hook input priority 200
          udp dport 5678 update @asked { ip saddr . udp sport : ip daddr }
        }
      }

      """)
    let service = try TestService(on: .of("0.0.0.0:5678"), in: scene.host)
    let client = try UDPClient(in: scene.network.container, from: .of("0.0.0.0:40000"))
    for address in ["172.17.0.1", "192.168.106.242"] { try client.send("hello", to: .of("\(address):5678")) }
    try service.waitForTally { $0.received == 2 }
    let listing = try scene.nft("list map inet fact asked\n")
    #expect(listing.contains("172.17.0.2 . 40000") && listing.contains(": 172.17.0.1"))
    #expect(!listing.contains("192.168.106.242"))
  }

  /// Why the rule asks without an interface whether an address is this host's (`FormChains`), and so does not know those of
  /// a VRF: with one, an address is local only where it came in.
  @Test func anAddressIsLocalOnlyOnItsOwnInterfaceWhenTheInterfaceIsAsked() throws {
    let scene = try KernelRuleHost()
    try scene.nft(
      """
      table inet fact {
        counter local {
        }
        counter there {
        }
        chain input {
          type filter hook input priority 200
          udp dport 5678 fib daddr type local counter name local
          udp dport 5678 fib daddr . iif type local counter name there
        }
      }

      """)
    let service = try TestService(on: .of("0.0.0.0:5678"), in: scene.host)
    let client = try UDPClient(in: scene.network.container, from: .of("0.0.0.0:40000"))
    for address in ["172.17.0.1", "192.168.106.242"] { try client.send("hello", to: .of("\(address):5678")) }
    try service.waitForTally { $0.received == 2 }
    let counts = try scene.nft("list counters table inet fact\n").matches(of: /packets (\d+)/).map { String($0.1) }
    #expect(counts == ["2", "1"])
  }
}
