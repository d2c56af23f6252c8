import Linux
import Support
import Testing

/// Errors of recvmmsg, and messages that the kernel had to cut.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct ReceiveFaultTests {
  private static let errnos: [Errno] = [
    .connectionRefused, .hostUnreachable, .networkUnreachable, .outOfMemory, .noBuffers, .inputOutput, .again,
  ]

  private static func faults(_ change: (inout FaultInjection.Fault) -> Void) -> FaultInjection {
    FaultInjection(
      errnos.map { errno in
        var fault = FaultInjection.Fault(.receive, .failure(errno))
        // More than the batches of one turn.
        fault.times = 6
        change(&fault)
        return fault
      })
  }

  @Test func aListenerThatReportsErrorsGoesOnReading() throws {
    let scene = try BackendScene(.multiplexed, faults: Self.faults { $0.localPort = 5678 })
    try scene.startService()
    try expectErrors(scene) { ledger, errnos in ledger.refusedToClient = errnos }
  }

  @Test(arguments: Way.local)
  func anUpstreamThatReportsErrorsGoesOnReading(way: Way) throws {
    // The first call is the listener's; then only the upstream has something to read.
    let scene = try BackendScene(way, faults: Self.faults { $0.after = 1 })
    try scene.startService()
    try expectErrors(scene) { ledger, errnos in ledger.refusedToBackend = errnos }
  }

  /// Six of each errno come before the first datagram; then everything is as if nothing had been.
  private func expectErrors(_ scene: BackendScene, _ note: (inout Ledger, [String: Int]) -> Void) throws {
    let client = try scene.client()
    let request = ServiceProgram.Request().bytes("hello")
    var ledger = Ledger()
    ledger.began(1)
    for _ in 1...5 {
      #expect(try client.ask(request)?.bytes == request)
      ledger.echoed(at: scene.asked, [request])
    }
    // EAGAIN is no error: there was nothing to read.
    note(&ledger, Dictionary(uniqueKeysWithValues: Self.errnos.dropLast().map { ($0.name, 6) }))
    try scene.relay.settle(on: ledger)
    for errno in Self.errnos {
      #expect(scene.relay.process.lines(of: .error).contains("fault: recvmmsg \(errno.name)"))
    }
  }

  @Test(arguments: Way.local)
  func whatTheKernelHadToCutIsDroppedWholly(way: Way) throws {
    var (data, control) = (FaultInjection.Fault(.receive, .cutData), FaultInjection.Fault(.receive, .cutControl))
    // Requests and replies alternate: the second request is cut, and the third reply.
    (data.after, control.after) = (2, 4)
    let scene = try BackendScene(way, faults: FaultInjection([data, control]))
    try scene.startService()
    let client = try scene.client()
    var ledger = Ledger()
    ledger.began(1)
    for number in 1...5 {
      let request = ServiceProgram.Request().bytes("\(number)")
      try client.send(request)
      switch number {
      case 2: ledger.dropped["truncated"] = 1
      case 3:
        ledger.passed(to: scene.asked, [request])
        ledger.dropped["truncated"] = 2
      default:
        #expect(try client.receive()?.bytes == request)
        ledger.echoed(at: scene.asked, [request])
      }
      try scene.relay.settle(on: ledger)
    }
  }
}
