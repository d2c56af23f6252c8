import KernelRule
import Linux
import Support
import Testing

/// What a command does while others are at work.
@Suite struct RuleLockTests {
  @Test func whoWaitsInVainIsToldWhoIsInTheWay() throws {
    let folder = try TemporaryFolder()
    let lock = try #require(try RuleLock.take(in: folder.path, isFolderMade: false))
    let error = #expect(throws: KernelRuleError.self) {
      try RuleLock.take(in: folder.path, isFolderMade: false, within: .seconds(1))
    }
    #expect(
      error?.message
        == "other multihomed kernel commands have been at work in this network namespace for 1 s; nothing was changed; wait "
        + "until they have ended, or find them with: pgrep -af 'multihomed kernel'")
    #expect(error?.exitCode == 1)
    lock.release()
    let next = try #require(try RuleLock.take(in: folder.path, isFolderMade: false, within: .zero))
    next.release()
    #expect(ProcFile.names(in: folder.path) == [])
  }

  @Test func whereNothingCanBeWrittenThereIsNoLock() throws {
    #expect(try RuleLock.take(in: "/proc/nowhere", isFolderMade: true) == nil)
    let folder = try TemporaryFolder()
    #expect(try RuleLock.take(in: folder.path + "/missing", isFolderMade: false) == nil)
    #expect(ProcFile.names(in: folder.path) == [])
  }
}
