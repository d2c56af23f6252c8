import Glibc
import Linux
import Support
import Testing

struct ManagedProcessTests {
  @Test func linesOfBothStreamsAreKeptApart() throws {
    let process = try ManagedProcess("sh", ["-c", "echo out; echo err >&2; printf unfinished; exit 3"])
    #expect(try process.waitForExit() == .status(3))
    #expect(process.lines(of: .output) == ["out", "unfinished"])
    #expect(process.lines(of: .error) == ["err"])
  }

  @Test func inputAndEnvironmentReachTheProgram() throws {
    let process = try ManagedProcess(
      "sh", ["-c", "cat; echo $MH_TEST"], environment: ["MH_TEST": "set"], input: "a\nb\n")
    try process.waitForExit()
    #expect(process.lines() == ["a", "b", "set"])
  }

  @Test func aLineIsWaitedForAfterAMark() throws {
    let process = try ManagedProcess("sh", ["-c", "trap 'echo again' USR1; echo again; while :; do sleep 0.01; done"])
    try process.waitForLine(containing: "again")
    let mark = process.mark
    process.signal(SIGUSR1)
    #expect(try process.waitForLine(containing: "again", of: .output, since: mark) == "again")
    #expect(process.lines(since: mark) == ["again"])
  }

  @Test func aLineThatNeverComesFailsAsSoonAsTheProgramHasEnded() throws {
    let process = try ManagedProcess("sh", ["-c", "echo something else; exit 1"])
    let start = Instant.now
    let failure = #expect(throws: TestFailure.self) {
      try process.waitForLine(containing: "ready", within: .seconds(60))
    }
    #expect(failure?.description.contains("something else") == true)
    #expect(Instant.now - start < .seconds(30))
  }

  @Test func aProgramIsKilledWithItsObject() throws {
    var process: ManagedProcess? = try ManagedProcess("sleep", ["1000"])
    let id = try #require(process?.processID)
    #expect(kill(id, 0) == 0)
    process = nil
    #expect(kill(id, 0) == -1 && errno == ESRCH)
  }

  @Test func aProgramDiesWithTheTestRun() async throws {
    let run = await #expect(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
      guard let process = try? ManagedProcess("sleep", ["1000"]) else { return }
      let line = "\npid \(process.processID)\n"
      _ = unsafe write(1, line, line.utf8.count)
      kill(getpid(), SIGKILL)
    }
    let output = String(decoding: run?.standardOutputContent ?? [], as: UTF8.self).split(separator: "\n")
    let id = try #require(output.first { $0.hasPrefix("pid ") }.flatMap { Int32($0.dropFirst(4)) })
    try eventually("the program's end") { kill(id, 0) == -1 }
  }

  @Test func aSignalsNumberIsTold() throws {
    let process = try ManagedProcess("sleep", ["1000"])
    process.signal(SIGTERM)
    #expect(try process.waitForExit() == .signal(SIGTERM))
    process.signal(SIGTERM)
    #expect(process.exit == .signal(SIGTERM))
  }

  @Test func aProgramThatIsNotThereIsAnError() {
    #expect(throws: Errno.notFound) { try ManagedProcess("/nonexistent/program") }
    #expect(throws: Errno.accessDenied) { try ManagedProcess("/dev/null") }
  }

  @Test func aConditionThatNeverHoldsFailsWithItsName() {
    let failure = #expect(throws: TestFailure.self) { try eventually("spring", within: .milliseconds(5)) { false } }
    #expect(failure?.description.contains("spring: not within 5 ms") == true)
  }
}

/// With a shell script in place of the real program.
struct MultihomedProcessTests {
  private static let script = """
    #!/bin/sh
    trap 'echo "{\\"message\\":\\"now\\",\\"counters\\":{\\"args\\":\\"$*\\",\\"asked\\":[1,2.5,true,null]}}" >&2' USR1
    trap 'echo bye >&2; exit 0' TERM
    echo starting >&2
    [ "$2" = --broken ] && exit 78
    echo "ready on 4 addresses"
    while :; do sleep 0.01; done
    """

  private func program(in folder: TemporaryFolder) throws -> String {
    let path = try folder.write(Self.script, to: "multihomed")
    #expect(unsafe chmod(path, 0o755) == 0)
    return path
  }

  @Test func itBecomesReadyCountsAndStops() throws {
    let folder = try TemporaryFolder()
    let relay = try MultihomedProcess.start(["relay", "--listen", "1"], program: program(in: folder))
    #expect(relay.ready == "ready on 4 addresses")
    for _ in 1...2 {
      let counters = try relay.counters()["counters"]
      #expect(counters?["args"]?.string == "relay --listen 1 --log-format json")
      #expect(counters?["asked"]?.array == [.integer(1), .number(2.5), .bool(true), .null])
      #expect(counters?["asked"]?[0]?.integer == 1)
      #expect(counters?["nothing"]?["there"] == nil)
    }
    #expect(try relay.stop() == .status(0))
    #expect(relay.process.lines(of: .error).last == "bye")
  }

  @Test func oneThatFailsToStartSaysWhatItWrote() throws {
    let folder = try TemporaryFolder()
    let program = try program(in: folder)
    let failure = #expect(throws: TestFailure.self) {
      try MultihomedProcess.start(["relay", "--broken"], program: program)
    }
    #expect(failure?.description.contains("starting") == true)
    #expect(failure?.description.contains("status(78)") == true)
    #expect(try MultihomedProcess.launch(["relay", "--broken"], program: program).waitForExit() == .status(78))
  }
}
