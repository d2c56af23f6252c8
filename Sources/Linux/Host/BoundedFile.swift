import Glibc

/// Files of which nobody knows what they are.
public enum BoundedFile {
  /// How long a pipe may stay silent.
  private static let patience = Nanoseconds.seconds(5)

  /// The whole of a file, a pipe or a terminal.
  ///
  /// - Parameter limit: the most bytes that it may have.
  /// - Throws: ENOENT, EACCES, EISDIR, EIO; EFBIG when it is larger, EAGAIN when nothing comes out of it for 5 seconds.
  public static func read(_ path: String, limit: Int) throws(Errno) -> [UInt8] {
    // A FIFO without a writer would be waited for at this place.
    let file = Socket(owning: try retrying { unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) })
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let length: Int32
      do throws(Errno) {
        length = try retrying { Int32(clamping: unsafe Glibc.read(file.descriptor, &piece, piece.count)) }
      } catch .again {
        guard try file.waitUntilReadable(within: patience) else { throw .again }
        continue
      }
      if length == 0 { return bytes }
      bytes += piece.prefix(Int(length))
      guard bytes.count <= limit else { throw .fileTooLarge }
    }
  }
}
