import Glibc
import Linux
import Support
import Testing

/// The real program, in namespaces that it makes for itself.
@Suite struct DemoTests {
  static let fault = [
    "IP 172.17.0.2.40000 > 192.168.106.242.5678: UDP, length 5",
    "IP 172.17.0.1.5678 > 172.17.0.2.40000: UDP, length 5      ✗ not the address that was asked",
    "IP 172.17.0.2 > 172.17.0.1: ICMP 172.17.0.2 udp port 40000 unreachable, length 41",
  ]
  static let mend = [
    "IP 172.17.0.2.40000 > 192.168.106.242.5678: UDP, length 5",
    "IP 192.168.106.242.5678 > 172.17.0.2.40000: UDP, length 5 ✓ the address that was asked",
  ]
  static let mendOverIPv6 = [
    "IP6 fd17::2.40000 > fd06::242.5678: UDP, length 5",
    "IP6 fd06::242.5678 > fd17::2.40000: UDP, length 5         ✓ the address that was asked",
  ]

  @Test func itShowsTheFaultWithoutUsAndNoneWithUs() throws {
    let demo = try MultihomedProcess.launch(["demo"])
    #expect(try demo.waitForExit(within: .seconds(60)) == .status(0))
    let trace = demo.lines(of: .output).filter { $0.hasPrefix("  IP") }.map { String($0.dropFirst(2)) }
    #expect(
      trace == DemoTests.fault + DemoTests.fault + DemoTests.fault
        + DemoTests.mend + DemoTests.mend + DemoTests.mend + DemoTests.mendOverIPv6)
    let tallies = demo.lines(of: .output).filter { $0.hasPrefix("  →") }.map { $0.prefix { $0 != ":" } }
    #expect(tallies == ["  → 0 of 3 replies", "  → 3 of 3 replies", "  → 1 of 1 reply"])
    #expect(demo.lines(of: .error).isEmpty)
  }

  @Test func itFitsATerminalAndPrintsTheSameEveryTime() throws {
    let first = try ManagedProcess.run(MultihomedProcess.path(), ["demo"])
    let second = try ManagedProcess.run(MultihomedProcess.path(), ["demo"])
    #expect(first == second)
    #expect(first.split(separator: "\n").allSatisfy { $0.count <= 100 })
  }

  @Test func theSettingsOfAnotherRelayDoNotReachIt() throws {
    let demo = try MultihomedProcess.launch(
      ["demo"], environment: ["MULTIHOMED_LISTEN": "nonsense", "MULTIHOMED_IPV6_ONLY": "true"])
    #expect(try demo.waitForExit(within: .seconds(60)) == .status(0))
  }

  @Test func killedItLeavesNoRelayBehind() throws {
    let demo = try MultihomedProcess.launch(["demo"])
    let relay = try eventually("the demo has started its relay") { relayStarted(by: demo.processID) }
    // From here on it cannot end by itself.
    demo.signal(SIGSTOP)
    try #require(kill(relay, 0) == 0, "the demo was over too soon for this test")
    demo.kill()
    _ = try demo.waitForExit()
    try eventually("the relay is gone") { !isRelay(relay) }
  }

  @Test func withoutIpItNamesThePackage() throws {
    let demo = try MultihomedProcess.launch(["demo"], environment: ["PATH": "/nonexistent"])
    #expect(try demo.waitForExit(within: .seconds(60)) == .status(1))
    #expect(demo.lines(of: .output).isEmpty)
    #expect(
      demo.lines(of: .error) == [
        "multihomed: error: the demo lays its network with `ip`, which is not here; install it: apt-get install iproute2"
      ])
  }

  @Test func withoutTheRightToMakeNamespacesItSaysHowToGetIt() throws {
    let demo = try ManagedProcess(
      "setpriv", ["--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", MultihomedProcess.path(), "demo"])
    #expect(try demo.waitForExit(within: .seconds(60)) == .status(1))
    let complaint = try #require(demo.lines(of: .error).first)
    #expect(complaint.contains("cannot make namespaces: Operation not permitted (EPERM); run it as root"))
  }

  /// A child of the process that has become `multihomed relay`.
  private func relayStarted(by processID: Int32) -> Int32? {
    contents(of: "/proc/\(processID)/task/\(processID)/children").split(separator: " ").lazy.compactMap { Int32($0) }
      .first(where: isRelay)
  }

  private func isRelay(_ processID: Int32) -> Bool {
    contents(of: "/proc/\(processID)/cmdline").hasPrefix("multihomed\0relay\0")
  }

  private func contents(of path: String) -> String {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let length = unsafe read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, length)), as: UTF8.self)
  }
}
