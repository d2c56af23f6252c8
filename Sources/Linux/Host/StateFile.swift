import Glibc

/// Small files that a program keeps beside its work, as in /run; `ProcFile` reads them.
public enum StateFile {
  /// Puts a text in the place of a file, whole or not at all (rename(2)), and makes the file's folder where it is missing.
  ///
  /// - Throws: EACCES, EROFS, ENOSPC and other errors of mkdir(2), open(2), write(2) and rename(2); the file is as it was
  ///   then.
  public static func write(_ text: String, to path: String) throws(Errno) {
    let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    if unsafe mkdir(folder, 0o755) < 0, Errno.current.number != EEXIST { throw .current }
    let draft = "\(path).\(getpid())"
    do throws(Errno) {
      try fill(draft, with: Array(text.utf8))
      try retrying { unsafe rename(draft, path) }
    } catch {
      remove(draft)
      throw error
    }
  }

  /// Removes a file; one that is not there does not matter.
  public static func remove(_ path: String) { _ = unsafe unlink(path) }

  /// The inode number of a file, which for a file of /proc/PID/ns names the namespace (namespaces(7)).
  ///
  /// - Throws: ENOENT, EACCES and other errors of stat(2).
  public static func inode(of path: String) throws(Errno) -> UInt64 {
    var status = stat()
    try retrying { unsafe stat(path, &status) }
    return UInt64(status.st_ino)
  }

  private static func fill(_ path: String, with bytes: [UInt8]) throws(Errno) {
    let descriptor = try retrying { unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644) }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
      rest = rest.dropFirst(
        Int(
          try retrying {
            Int32(unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) })
          }))
    }
  }
}
