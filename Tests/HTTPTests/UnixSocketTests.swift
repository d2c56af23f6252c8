import Glibc
import HTTP
import Linux
import Support
import Testing

/// Listening on a file.
struct UnixSocketTests {
  let folder: TemporaryFolder
  var path: String { folder.path + "/test.sock" }

  init() throws { folder = try TemporaryFolder() }

  @Test func clientsOfAUnixSocketAreAnswered() throws {
    let server = try TestServer(try ListeningSocket(at: path, mode: 0o600))
    #expect(try server.get("/hello").body == "hello\n")
    #expect(mode(path) == 0o600)
    server.stop()
    #expect(mode(path) == nil)
  }

  @Test func theFileOfADeadProcessIsReplaced() throws {
    // Closed without its file being removed, as by kill -9.
    _ = try ListeningSocket(at: path, mode: 0o600)
    #expect(mode(path) == 0o600)
    let server = try TestServer(try ListeningSocket(at: path, mode: 0o660))
    defer { server.stop() }
    #expect(try server.get("/hello").status == 200)
    #expect(mode(path) == 0o660)
  }

  @Test func theFileOfALivingProcessStays() throws {
    let server = try TestServer(try ListeningSocket(at: path, mode: 0o600))
    defer { server.stop() }
    #expect(throws: Errno.addressInUse) { try ListeningSocket(at: path, mode: 0o600) }
    #expect(try server.get("/hello").status == 200)
  }

  @Test func whatIsNoSocketStays() throws {
    try folder.write("mine", to: "test.sock")
    #expect(throws: Errno.notSocket) { try ListeningSocket(at: path, mode: 0o600) }
    #expect(ProcFile.read(path) == "mine")
  }

  @Test func aFileThatSomebodyElseHasPutThereIsNotRemoved() throws {
    let ours = try ListeningSocket(at: path, mode: 0o600)
    unsafe unlink(path)
    let theirs = try ListeningSocket(at: path, mode: 0o600)
    ours.close()
    #expect(mode(path) == 0o600)
    theirs.close()
    #expect(mode(path) == nil)
  }

  @Test func aPathThatCannotBeIsRefused() throws {
    #expect(throws: Errno.nameTooLong) {
      try ListeningSocket(at: "/" + String(repeating: "a", count: 107), mode: 0o600)
    }
    #expect(throws: Errno.notFound) { try ListeningSocket(at: folder.path + "/nowhere/x", mode: 0o600) }
    let longest = folder.path + "/" + String(repeating: "a", count: 107 - folder.path.utf8.count - 1)
    try ListeningSocket(at: longest, mode: 0o600).close()
  }

  /// The permission bits; nil when nothing is there.
  private func mode(_ path: String) -> mode_t? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    return status.st_mode & 0o777
  }
}
