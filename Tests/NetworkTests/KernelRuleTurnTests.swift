import Linux
import Support
import Testing

/// Several commands at once in one network namespace.
@Suite(.enabled(if: TestNetwork.isPossible, "\(TestNetwork.obstacle ?? "")"), .serialized)
struct KernelRuleTurnTests {
  private static let folder = "/run/multihomed"

  /// Runs `kernel VERB PORT` for many ports at once.
  private func all(_ verb: String, _ ports: Range<Int>, in host: NetworkNamespace) throws {
    let runs = try ports.map { try ManagedProcess(MultihomedProcess.path(), ["kernel", verb, "\($0)"], in: host) }
    for run in runs { #expect(try run.waitForExit(within: .seconds(60)) == .status(0), "\(run.lines())") }
  }

  private func ports(_ scene: KernelRuleHost) throws -> Set<Int> {
    let report = try JSON(parsing: scene.kernel("show --json").joined())
    return Set((report["ports"]?.array ?? []).compactMap { $0["port"]?.integer })
  }

  @Test func whatManyApplyOrRemoveAtOnceIsAllDone() throws {
    let scene = try KernelRuleHost()
    try all("apply", 6000..<6024, in: scene.host)
    #expect(try ports(scene) == Set(6000..<6024))
    // And noted: `show` misses what was noted and is not there, or is there otherwise than noted.
    try scene.kernel("show")
    try all("remove", 6001..<6024, in: scene.host)
    #expect(try ports(scene) == [6000])
    try scene.kernel("show")
    try scene.kernel("remove 6000")
    #expect(try files(of: scene.host) == [])
  }

  @Test func oneWaitsForAnother() throws {
    let scene = try KernelRuleHost()
    let name = "kernel-\(try scene.host.run { () throws(Errno) in try NetworkNamespace.currentCookie() })"
    let lock = try FolderLock("\(name).lock", in: StateFolder(Self.folder, isMade: true), within: .seconds(10))
    let apply = try ManagedProcess(MultihomedProcess.path(), ["kernel", "apply", "5678"], in: scene.host)
    #expect(throws: TestFailure.self) { try apply.waitForExit(within: .milliseconds(500)) }
    #expect(try scene.ruleset() == "")
    lock.release()
    #expect(try apply.waitForExit() == .status(0))
    #expect(try files(of: scene.host) == [name])
  }

  /// Looking leaves no trace.
  @Test func showMakesNoFiles() throws {
    let scene = try KernelRuleHost()
    try scene.kernel("show")
    #expect(try files(of: scene.host) == [])
  }

  /// Where others may write, nothing is noted, and nothing that lies there is believed.
  @Test func aFolderThatOthersMayWriteIntoIsNotUsed() throws {
    let scene = try KernelRuleHost()
    let shell = "mount -t tmpfs tmpfs /run && mkdir -m 777 /run/multihomed && exec \"$0\" \"$@\""
    let answer = try scene.run("apply 5678", by: ["unshare", "--mount", "sh", "-c", shell])
    #expect(answer.exit == .status(0))
    #expect(
      answer.error.hasPrefix(
        "multihomed: warning: what was applied cannot be noted in /run/multihomed: Operation not permitted (EPERM); "
          + "multihomed kernel show will not notice when somebody flushes the ruleset, and commands at the same time may "
          + "undo each other; the folder must be root's or your own, and writable for nobody else"))
  }

  private func files(of host: NetworkNamespace) throws -> [String] {
    let cookie = try host.run { () throws(Errno) in try NetworkNamespace.currentCookie() }
    return ProcFile.names(in: Self.folder).filter { $0.contains("kernel-\(cookie)") }
  }
}
