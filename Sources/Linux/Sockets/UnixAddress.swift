import Glibc

/// The address of a Unix socket that is a file (unix(7)).
public struct UnixAddress: Hashable, Sendable {
  /// The longest path, in bytes: sun_path less its final 0.
  public static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  /// Where the file is.
  public let path: String

  /// - Throws: ENAMETOOLONG for a path of more than 107 bytes, ENOENT for an empty one.
  public init(_ path: String) throws(Errno) {
    if path.isEmpty { throw .notFound }
    guard path.utf8.count <= Self.longestPath else { throw .nameTooLong }
    self.path = path
  }

  @unsafe
  func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws(Errno) -> R) throws(Errno) -> R {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let result: Result<R, Errno> = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        do throws(Errno) { return .success(try unsafe body(address, length)) } catch { return .failure(error) }
      }
    }
    return try result.get()
  }

  /// Removes the file when nobody listens on it any more.
  ///
  /// - Throws: EADDRINUSE when somebody does, ENOTSOCK when it is something else, EACCES.
  func removeStale() throws(Errno) {
    guard let file = SocketFile(path) else { throw .notSocket }
    let probe = Socket(owning: try retrying { socket(AF_UNIX, Self.probeType, 0) })
    do throws(Errno) {
      try unsafe withPointer { pointer, length throws(Errno) in
        _ = try retrying { unsafe Glibc.connect(probe.descriptor, pointer, length) }
      }
    } catch .connectionRefused {
      file.remove()
      return
    } catch .again {
      // Somebody listens, whose queue is full.
    }
    throw .addressInUse
  }

  private static var probeType: Int32 {
    Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
  }
}

/// A socket's file, as it is now: a later one of the same name is another.
struct SocketFile: Hashable, Sendable {
  private let path: String
  private let device: UInt64
  private let inode: UInt64

  /// Nil when no socket is there.
  init?(_ path: String) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
    self.path = path
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }

  /// Removes it, if it is still there.
  func remove() {
    if SocketFile(path) == self { _ = unsafe unlink(path) }
  }
}
