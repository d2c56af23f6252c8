import Glibc
import Linux
import Testing

/// Which rights a program's file gives, and how to give it more.
struct FileCapabilityTests {
  private static let setcap = ChildProcess.find("setcap", path: "")

  @Test func aFileThatGivesNothingIsGivenWhatIsWanted() {
    #expect(Capability.given(by: "/proc/self/exe").isEmpty && Capability.given(by: "/nonexistent").isEmpty)
    #expect(
      Capability.setcap([.trace, .setUser]) == "setcap cap_sys_ptrace,cap_setuid=+ep $(command -v multihomed)")
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
    let command = Capability.setcap([.trace, .bindService], program: file)
    #expect(command == "setcap cap_sys_ptrace,cap_net_bind_service=+ep $(command -v multihomed)")
    // 38 is CAP_PERFMON, whose name is not known here: in the upper half of the set.
    try set("cap_perfmon,cap_net_bind_service=+ep", on: file)
    let both = Capability.setcap([.trace], program: file)
    #expect(both == "setcap cap_sys_ptrace,cap_net_bind_service,38=+ep $(command -v multihomed)")
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
