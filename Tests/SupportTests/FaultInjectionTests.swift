import Linux
import Support
import Testing

/// What a small program sees that sends six messages (a to f; d is a train of two) and receives them.
struct FaultInjectionTests {
  private static let undisturbed = ["sent 6", "a", "b", "c", "d", "-", "e", "f", "EAGAIN"]

  private static let cases: [(what: String, faults: [FaultInjection.Fault], output: [String])] = [
    ("without faults", [], undisturbed),
    (
      "a refusal in the middle", [fault(.send, .failure(.noBuffers)) { $0.after = 2 }],
      ["sent 2", "refused c ENOBUFS", "sent 3", "a", "b", "d", "-", "e", "f", "EAGAIN"]
    ),
    (
      "two refusals in a row", [fault(.send, .failure(.notPermitted)) { $0.times = 2 }],
      ["refused a EPERM", "refused b EPERM", "sent 4", "c", "d", "-", "e", "f", "EAGAIN"]
    ),
    (
      "trains only", [fault(.send, .failure(.inputOutput)) { ($0.times, $0.trainsOnly) = (nil, true) }],
      ["sent 3", "refused d EIO", "sent 2", "a", "b", "c", "e", "f", "EAGAIN"]
    ),
    ("another port", [fault(.send, .failure(.inputOutput)) { $0.peerPort = 1 }], undisturbed),
    (
      "an error before the data", [fault(.receive, .failure(.connectionRefused)) { $0.times = 2 }],
      ["sent 6", "ECONNREFUSED", "ECONNREFUSED"] + undisturbed.dropFirst()
    ),
    (
      "cut messages", [fault(.receive, .cutData) { $0.after = 1 }, fault(.receive, .cutControl) { $0.after = 2 }],
      ["sent 6", "a", "b data cut", "c control cut", "d", "-", "e", "f", "EAGAIN"]
    ),
    ("no socket", [fault(.socket, .failure(.tooManyDescriptors)) { $0.after = 1 }], ["socket EMFILE"]),
    ("no address", [fault(.bind, .failure(.addressNotAvailable))], ["socket EADDRNOTAVAIL"]),
  ]

  private static func fault(
    _ call: FaultInjection.Call, _ effect: FaultInjection.Effect,
    _ change: (inout FaultInjection.Fault) -> Void = { _ in }
  ) -> FaultInjection.Fault {
    var fault = FaultInjection.Fault(call, effect)
    change(&fault)
    return fault
  }

  /// Also in a program with a sanitizer, which intercepts the same calls.
  @Test(arguments: ["-O1", "-fsanitize=address"])
  func callsFailAsTheKernelLetsThemFail(option: String) throws {
    let folder = try TemporaryFolder()
    let probe = try FaultInjection.compile("probe.c", [option], into: folder)
    for (what, faults, output) in Self.cases {
      let injection = FaultInjection(faults)
      let process = try ManagedProcess(probe, environment: injection.environment())
      try process.waitForExit()
      let lines = process.lines(of: .output).map { $0.replacing("received ", with: "").replacing("receive ", with: "") }
      #expect(lines == output, "\(what): \(process.lines(of: .error))")
      let told = process.lines(of: .error).filter { $0.hasPrefix("fault: ") }.count
      #expect((told == 0) == (output == Self.undisturbed), "\(what)")
    }
  }

  @Test func faultsActOnlyWhileTheirSwitchIsThere() throws {
    let folder = try TemporaryFolder()
    let probe = try FaultInjection.compile("probe.c", into: folder)
    let fault = Self.fault(.bind, .failure(.accessDenied))
    let environment = try FaultInjection([fault], whileFileExists: folder.path + "/on").environment()
    #expect(try ManagedProcess(probe, environment: environment).waitForExit() == .status(0))
    try folder.write("", to: "on")
    #expect(try ManagedProcess(probe, environment: environment).waitForExit() == .status(1))
  }
}
