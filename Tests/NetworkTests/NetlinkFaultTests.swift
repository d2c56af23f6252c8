import Glibc
import Linux
import Support
import Testing

/// What the kernel tells of sockets, routes and routing rules, when the telling is disturbed: the doctor reads all of it.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct NetlinkFaultTests {
  /// A disturbance, and how it is announced.
  struct Disturbance: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let effect: FaultInjection.Effect
  }

  private static let interruption = Disturbance(testDescription: "NLM_F_DUMP_INTR", effect: .interruptedDump)
  private static let loss = Disturbance(testDescription: "ENOBUFS", effect: .failure(.noBuffers))

  private func doctor(in host: NetworkNamespace, _ faults: [FaultInjection.Fault] = []) throws -> ManagedProcess {
    let faults = faults.isEmpty ? nil : FaultInjection(faults)
    let run = try MultihomedProcess.launch(in: host, ["doctor", "--here", "--json", "5678"], faults: faults)
    try run.waitForExit(within: .seconds(30))
    return run
  }

  /// Each time at another place: the sockets, the routes, the rules, and the questions after them.
  @Test(arguments: [interruption, loss, Disturbance(testDescription: "EINTR", effect: .failure(Errno(EINTR)))])
  func aDisturbedListIsReadAgain(_ disturbance: Disturbance) throws {
    let network = try PairNetwork()
    try network.host.add(["10.1.0.9/16"], to: "eth0")
    // A process of its own: of a socket of ours, a program that another test starts has a copy for a moment, and is listed.
    let service = try ServiceProgram(on: .of("[::]:5678"), in: network.host)
    // It is in the report as soon as its detection is over.
    _ = try network.host.linkLocal(of: "eth0")
    let calm = try doctor(in: network.host)
    #expect(calm.exit == .status(1) && calm.lines(of: .output).joined().contains("answers-by-routing"))
    for place in 0..<12 {
      var fault = FaultInjection.Fault(.netlink, disturbance.effect)
      (fault.after, fault.times) = (place, 7)
      let disturbed = try doctor(in: network.host, [fault])
      #expect(disturbed.exit == calm.exit)
      #expect(disturbed.lines(of: .output) == calm.lines(of: .output))
      #expect(disturbed.text(of: .error) == "fault: netlink \(disturbance.testDescription)")
    }
    _ = service
  }

  @Test(arguments: [
    (interruption, "Resource temporarily unavailable (EAGAIN)"), (loss, "No buffer space available (ENOBUFS)"),
  ])
  func whatIsNeverReadInPeaceIsNotGuessed(_ disturbance: Disturbance, error: String) throws {
    let network = try FoundingNetwork()
    var fault = FaultInjection.Fault(.netlink, disturbance.effect)
    fault.times = nil
    let run = try doctor(in: network.host, [fault])
    #expect(run.exit == .status(1))
    #expect(
      run.lines(of: .error).last == "multihomed: error: cannot read the sockets and routes of this host: \(error)")
    #expect(run.lines(of: .output) == [])
  }
}
