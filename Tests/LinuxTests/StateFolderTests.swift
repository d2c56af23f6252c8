import Glibc
import Linux
import Support
import Testing

/// Small files beside a program's work, in a folder that others keep their hands off.
struct StateFolderTests {
  private let temporary: TemporaryFolder
  private var path: String { temporary.path }
  private var names: [String] { ProcFile.names(in: path).sorted() }

  init() throws { temporary = try TemporaryFolder() }

  @Test func aTextIsPutInPlaceWholeAndReadBack() throws {
    let folder = try StateFolder(path)
    #expect(folder.read("record") == nil)
    let long = String(repeating: "0123456789", count: 10_000)
    for text in ["one", long, ""] {
      try folder.write(text, to: "record")
      #expect(folder.read("record") == text)
    }
    #expect(names == ["record"])
    folder.remove("record")
    #expect(names == [])
  }

  @Test func aLinkIsReplacedAndNeverFollowed() throws {
    let victim = try temporary.write("another's", to: "victim")
    #expect(unsafe symlink(victim, path + "/record") == 0)
    let folder = try StateFolder(path)
    #expect(folder.read("record") == nil)
    try folder.write("ours", to: "record")
    #expect(ProcFile.read(victim) == "another's")
    #expect(folder.read("record") == "ours")
  }

  @Test func whatCannotBePutInPlaceLeavesNothingBehind() throws {
    #expect(unsafe mkdir(path + "/record", 0o755) == 0)
    let folder = try StateFolder(path)
    #expect(throws: Errno(EISDIR)) { try folder.write("ours", to: "record") }
    #expect(names == ["record"])
  }

  @Test(arguments: [mode_t(0o775), 0o757, 0o1777]) func aFolderThatOthersMayWriteIntoIsNotUsed(mode: mode_t) throws {
    #expect(unsafe chmod(path, mode) == 0)
    #expect(throws: Errno.notPermitted) { try StateFolder(path) }
  }

  @Test(.enabled(if: geteuid() == 0)) func aFolderOfAnotherUsersIsNotUsed() throws {
    // Where the user namespace knows no other user, there is nobody to give it to.
    guard unsafe chown(path, 1234, gid_t(bitPattern: -1)) == 0 else { return }
    #expect(throws: Errno.notPermitted) { try StateFolder(path) }
  }

  @Test func aLinkToAFolderIsNotUsed() throws {
    #expect(unsafe symlink(path, path + "/link") == 0)
    #expect(throws: Errno(ENOTDIR)) { try StateFolder(path + "/link") }
  }

  @Test func aMissingFolderIsMadeWhereThatIsAskedFor() throws {
    #expect(throws: Errno.notFound) { try StateFolder(path + "/new") }
    try StateFolder(path + "/new", isMade: true).write("text", to: "record")
    #expect(try StateFolder(path + "/new", isMade: true).read("record") == "text")
  }

  // MARK: Locks

  @Test func oneHasTheLockAtATime() throws {
    let folder = try StateFolder(path)
    let lock = try FolderLock("lock", in: folder, within: .zero)
    #expect(throws: Errno.again) { try FolderLock("lock", in: folder, within: .milliseconds(20)) }
    let other = try FolderLock("other", in: folder, within: .zero)
    lock.release()
    let next = try FolderLock("lock", in: folder, within: .zero)
    next.release()
    other.release()
    #expect(names == [])
  }

  @Test func nothingIsLostAmongManyWhoCountUnderTheLock() throws {
    let folder = try StateFolder(path)
    try folder.write("0", to: "count")
    let failures = Guarded<[Errno]>([])
    let threads = try (0..<8).map { _ in
      try Thread(named: "counter") {
        do throws(Errno) {
          for _ in 0..<25 {
            let lock = try FolderLock("lock", in: folder, within: .seconds(30))
            defer { lock.release() }
            let count = folder.read("count").flatMap { Int($0) } ?? -1000
            try folder.write("\(count + 1)", to: "count")
          }
        } catch {
          failures.withLock { $0.append(error) }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    #expect(folder.read("count") == "200")
    #expect(names == ["count"])
  }
}
