import Glibc
import Linux
import Testing

/// Which rights a program's file gives, and how to give it more.
struct FileCapabilityTests {
  private static let setcap = ChildProcess.find("setcap", path: "")

  @Test func aFileThatGivesNothingIsGivenWhatIsWanted() {
    #expect(Capability.given(by: "/proc/self/exe").isEmpty && Capability.given(by: "/nonexistent").isEmpty)
    let program = ProcFile.link("/proc/self/exe", limit: 4096) ?? ""
    let hint = Capability.setcap([.trace, .setUser])
    #expect(hint.command == "setcap cap_sys_ptrace,cap_setuid=+ep \(program.shellWord)")
    #expect("\(hint)".hasPrefix("\(hint.command) (this gives the rights to everybody who may run the file: "))
  }

  /// setcap puts a file's whole set in the place of the one before: the second hint must not undo the first.
  @Test(
    .enabled(if: geteuid() == 0 && FileCapabilityTests.setcap != nil, "needs root and setcap (Debian: libcap2-bin)"))
  func whatAFileGivesAlreadyIsNotTakenAway() throws {
    let file = "/tmp/multihomed-\(getpid())"
    close(unsafe open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o755))
    defer { unsafe unlink(file) }
    try set("cap_net_bind_service=+ep", on: file)
    #expect(Capability.given(by: file) == [.bindService])
    let command = Capability.setcap([.trace, .bindService], program: file).command
    #expect(command == "setcap cap_sys_ptrace,cap_net_bind_service=+ep \(file)")
    // 38 is CAP_PERFMON, whose name is not known here: in the upper half of the set.
    try set("cap_perfmon,cap_net_bind_service=+ep", on: file)
    let both = Capability.setcap([.trace], program: file).command
    #expect(both == "setcap cap_sys_ptrace,cap_net_bind_service,38=+ep \(file)")
    try set(String(both.split(separator: " ")[1]), on: file)
    #expect(Capability.given(by: file).map(\.number) == [10, 19, 38])
  }

  private func set(_ rights: String, on file: String) throws {
    let program = try #require(Self.setcap)
    let process = try ChildProcess(program, ["setcap", rights, file], environment: [:])
    let complaint = try process.nextLine(within: .seconds(10))
    #expect(process.waitForExit() == 0, "\(complaint ?? "")")
  }
}
