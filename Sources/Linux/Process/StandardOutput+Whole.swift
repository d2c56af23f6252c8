import Glibc

extension StandardOutput {
  /// Writes a text and a newline, however long, and waits for the reader as long as it takes: for what is of no use in
  /// part.
  ///
  /// - Throws: EPIPE when the reader has gone, ENOSPC, EIO.
  public static func write(whole text: String) throws(Errno) {
    var rest = (Array(text.utf8) + [UInt8(ascii: "\n")])[...]
    while !rest.isEmpty {
      do throws(Errno) {
        let size = try retrying {
          Int32(clamping: unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) })
        }
        rest = rest.dropFirst(Int(size))
      } catch .again {
        // Somebody has made it non-blocking, and it is full.
        var request = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&request, 1, -1)
      }
    }
  }
}
