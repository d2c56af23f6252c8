import Glibc
import Linux
import Support
import Testing

/// What a service manager says by the environment, and what it is told.
@Suite struct ManagerVariablesTests {
  private func variables(_ given: [String: String]) -> ManagerVariables { ManagerVariables(given, processID: 4711) }

  @Test func theNotifySocketIsAPathOrAnAbstractName() {
    #expect(variables(["NOTIFY_SOCKET": "/run/systemd/notify"]).notifySocket == "/run/systemd/notify")
    #expect(variables(["NOTIFY_SOCKET": "@name"]).notifySocket == "@name")
    for other in ["", "name", "vsock:2:1234"] { #expect(variables(["NOTIFY_SOCKET": other]).notifySocket == nil) }
    #expect(variables([:]).notifySocket == nil)
  }

  @Test func theWatchdogIsOursWhereItNamesNobodyElse() {
    #expect(variables(["WATCHDOG_USEC": "30000000"]).watchdog == .seconds(30))
    #expect(variables(["WATCHDOG_USEC": "1000", "WATCHDOG_PID": "4711"]).watchdog == .milliseconds(1))
    #expect(variables(["WATCHDOG_USEC": "1000", "WATCHDOG_PID": "4712"]).watchdog == nil)
    for nonsense in ["0", "-1", "30s", ""] { #expect(variables(["WATCHDOG_USEC": nonsense]).watchdog == nil) }
  }

  @Test func descriptorsForAnotherProcessAreNotOurs() {
    for given in [
      ["LISTEN_FDS": "1"], ["LISTEN_FDS": "1", "LISTEN_PID": "4712"], ["LISTEN_FDS": "0", "LISTEN_PID": "4711"],
      ["LISTEN_FDS": "-1", "LISTEN_PID": "4711"], ["LISTEN_FDS": "many", "LISTEN_PID": "4711"],
    ] { #expect(variables(given).passed.isEmpty) }
  }

  @Test(arguments: [nil, "multihomed-test-\(getpid())"])
  func amanagerIsToldByAPathAndByAnAbstractName(name: String?) throws {
    let manager = try TestManager(abstractName: name)
    let socket = try NotifySocket(manager.address)
    for text in ["READY=1\nSTATUS=well", "WATCHDOG=1"] {
      try socket.send(text)
      #expect(try manager.next() == text.split(separator: "\n").map(String.init))
    }
  }

  @Test func nobodyThereIsAnError() throws {
    let folder = try TemporaryFolder()
    #expect(throws: Errno.notFound) { try NotifySocket("\(folder.path)/nobody").send("READY=1") }
    #expect(throws: Errno.connectionRefused) { try NotifySocket("@multihomed-nobody-\(getpid())").send("READY=1") }
    #expect(throws: Errno(ENAMETOOLONG)) { try NotifySocket("/" + String(repeating: "x", count: 107)) }
  }

  @Test func aManagerThatDoesNotReadIsNotWaitedForForLong() throws {
    let manager = try TestManager()
    let socket = try NotifySocket(manager.address)
    let begin = Instant.now
    // A queue holds some hundred at most (net.unix.max_dgram_qlen).
    #expect(throws: Errno.again) { for _ in 0..<100_000 { try socket.send("WATCHDOG=1") } }
    #expect(Instant.now - begin < .seconds(10))
  }
}
