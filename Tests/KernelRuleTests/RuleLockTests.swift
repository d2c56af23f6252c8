import Glibc
import KernelRule
import Linux
import Support
import Testing

/// What a command does while others are at work, and when nft is.
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

  @Test func anNftThatSaysNothingIsEnded() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("#!/bin/sh\necho $$ > \(folder.path)/pid\nexec /bin/sleep 60\n", to: "nft")
    #expect(unsafe chmod(path, 0o755) == 0)
    let nft = try Nft(environment: ["PATH": folder.path], patience: .seconds(1))
    let error = #expect(throws: KernelRuleError.self) { try nft.listing() }
    #expect(
      error?.message
        == "\(path) has said nothing for 1 s, and was ended; see what is there with: nft list table inet multihomed")
    let process = try #require(ProcFile.read("\(folder.path)/pid")?.split(separator: "\n").first)
    #expect(ProcFile.read("/proc/\(process)/comm") == nil)
  }
}
