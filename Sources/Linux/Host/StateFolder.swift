import Glibc

/// A folder in which a program keeps small files beside its work, as /run/NAME is one.
///
/// Who may write into a folder may put links and texts of their own in the place of ours. So it must be root's or our own,
/// and writable for nobody else.
public final class StateFolder: Sendable {
  private let folder: Socket

  /// Opens it.
  ///
  /// - Parameters:
  ///   - path: where it is.
  ///   - isMade: whether it is made where it is missing, for everybody to read (mkdir(2)).
  /// - Throws: EPERM when others may write into it, ENOENT, ENOTDIR (also for a link), EACCES, EROFS, ENOSPC, EMFILE.
  public init(_ path: String, isMade: Bool = false) throws(Errno) {
    let isNew = unsafe isMade && mkdir(path, 0o755) == 0
    if isMade, !isNew, Errno.current.number != EEXIST { throw .current }
    let descriptor = try retrying { unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    folder = Socket(owning: descriptor)
    var status = stat()
    try retrying { unsafe fstat(descriptor, &status) }
    guard status.st_uid == 0 || status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else { throw .notPermitted }
    // Whatever the umask: services have folders of their own below root's (RuntimeDirectory=, systemd.exec(5)).
    if isNew { try retrying { fchmod(descriptor, 0o755) } }
  }

  /// The whole text of a file; nil when it is not there, is a link, or cannot be read.
  public func read(_ name: String) -> String? {
    guard let file = try? openFile(name, O_RDONLY) else { return nil }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while let size = try? retrying({ Int32(unsafe Glibc.read(file.descriptor, &chunk, chunk.count)) }) {
      if size == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk.prefix(Int(size))
    }
    return nil
  }

  /// Puts a text in the place of a file, whole or not at all (rename(2)); a link is replaced, not followed.
  ///
  /// - Throws: EACCES, EROFS, ENOSPC, EISDIR, EMFILE; nothing has changed then.
  public func write(_ text: String, to name: String) throws(Errno) {
    // A name that no other process has: its number would not do, which is another's in another namespace (pid_namespaces(7)).
    let draft = ".\(name).\(String(UInt64.random(in: 0 ... .max), radix: 16))"
    let file = try openFile(draft, O_WRONLY | O_CREAT | O_EXCL, 0o644)
    do throws(Errno) {
      try fill(file, with: Array(text.utf8))
      try retrying { unsafe renameat(folder.descriptor, draft, folder.descriptor, name) }
    } catch {
      remove(draft)
      throw error
    }
  }

  /// Removes a file; one that is not there does not matter.
  public func remove(_ name: String) { _ = unsafe unlinkat(folder.descriptor, name, 0) }

  /// Opens a file of this folder, and never what a link leads to.
  func openFile(_ name: String, _ flags: Int32, _ mode: mode_t = 0) throws(Errno) -> Socket {
    Socket(owning: try retrying { unsafe openat(folder.descriptor, name, flags | O_CLOEXEC | O_NOFOLLOW, mode) })
  }

  /// Whether an open file is the one that has this name now.
  func isCurrent(_ file: Socket, as name: String) -> Bool {
    var (ours, current) = (stat(), stat())
    guard unsafe fstat(file.descriptor, &ours) == 0,
      unsafe fstatat(folder.descriptor, name, &current, AT_SYMLINK_NOFOLLOW) == 0
    else { return false }
    return ours.st_ino == current.st_ino && ours.st_dev == current.st_dev
  }

  private func fill(_ file: Socket, with bytes: [UInt8]) throws(Errno) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let size = try retrying {
        Int32(clamping: unsafe rest.withUnsafeBytes { unsafe Glibc.write(file.descriptor, $0.baseAddress, $0.count) })
      }
      rest = rest.dropFirst(Int(size))
    }
  }
}
