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

  @Test func aSignalsNumberIsTold() throws {
    let process = try ManagedProcess("sleep", ["1000"])
    process.signal(SIGTERM)
    #expect(try process.waitForExit() == .signal(SIGTERM))
    process.signal(SIGTERM)
    #expect(process.exit == .signal(SIGTERM))
  }

  @Test func aProgramThatIsNotThereIsAnError() {
    #expect(throws: Errno.notFound) { try ManagedProcess("multihomed-no-such-program") }
    #expect(throws: Errno.accessDenied) { try ManagedProcess("/dev/null") }
  }

  @Test func aConditionThatNeverHoldsFailsWithItsName() {
    let failure = #expect(throws: TestFailure.self) { try eventually("spring", within: .milliseconds(5)) { false } }
    #expect(failure?.description.contains("spring: not within 5 ms") == true)
  }

  @Test func countersAreReadFromALogLine() throws {
    let json = try JSON(parsing: #"{"level":"info","counters":{"a":[1,2.5,"x",true,null],"b":{"c":18}}}"#)
    #expect(json["counters"]?["b"]?["c"]?.integer == 18)
    #expect(json["counters"]?["a"]?.array == [.integer(1), .number(2.5), .string("x"), .bool(true), .null])
    #expect(json["nothing"]?["there"] == nil)
  }
}
