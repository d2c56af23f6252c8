import Glibc

/// A right that one process has at a time, by a file in a folder of ours (flock(2)). It ends with the process, whatever ends
/// that.
public struct FolderLock: Sendable {
  private let folder: StateFolder
  private let name: String
  private let file: Socket

  /// How long to wait before looking again.
  private static let pause = Nanoseconds.milliseconds(5)

  /// Takes it, and makes its file, which is gone when nobody has or awaits it.
  ///
  /// - Parameters:
  ///   - name: the file's.
  ///   - limit: how long to wait for others.
  /// - Throws: EAGAIN when somebody has it all the while; EACCES, EROFS, ENOSPC, EMFILE where its file cannot be made.
  public init(_ name: String, in folder: StateFolder, within limit: Nanoseconds) throws(Errno) {
    let end = Instant.now + limit
    while true {
      // Read before the look, which a limit of zero has, too.
      let isLast = Instant.now >= end
      let file = try folder.openFile(name, O_RDWR | O_CREAT, 0o600)
      if try Self.take(file) {
        // Whoever had it has removed the file that we were waiting at: the right goes by the file of this name.
        if folder.isCurrent(file, as: name) {
          (self.folder, self.name, self.file) = (folder, name, file)
          return
        }
      } else if isLast {
        throw .again
      } else {
        Self.pause.sleep()
      }
    }
  }

  /// Gives it up. Once.
  public func release() {
    // As long as the lock holds, so that nobody has locked a file in vain who finds it current.
    folder.remove(name)
    _ = flock(file.descriptor, LOCK_UN)
  }

  private static func take(_ file: Socket) throws(Errno) -> Bool {
    do throws(Errno) {
      try retrying { flock(file.descriptor, LOCK_EX | LOCK_NB) }
      return true
    } catch .again {
      return false
    }
  }
}
