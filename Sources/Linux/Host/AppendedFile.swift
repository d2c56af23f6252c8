import Glibc

extension Socket {
  /// A file to be appended to, made where it is missing, for its owner and group alone: it may tell who has asked what.
  ///
  /// - Throws: ENOENT where its folder is missing, EACCES, EISDIR, EROFS, EMFILE; ENXIO for a FIFO that nobody reads.
  public static func appending(to path: String) throws(Errno) -> Socket {
    // Non-blocking for the sake of FIFOs; a regular file's writes wait all the same.
    let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
    return Socket(owning: try retrying { unsafe open(path, flags, 0o640) })
  }

  /// A descriptor of its own for standard error.
  ///
  /// - Throws: EBADF, EMFILE.
  public static func standardError() throws(Errno) -> Socket {
    Socket(owning: try retrying { fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) })
  }

  /// Writes bytes, however many.
  ///
  /// - Returns: whether all were written; false after any error (ENOSPC, EPIPE), and when a pipe has no room.
  public func write(whole bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let piece = rest
      let written = try? retrying {
        Int32(clamping: unsafe piece.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) })
      }
      guard let written, written > 0 else { return false }
      rest = rest.dropFirst(Int(written))
    }
    return true
  }
}
