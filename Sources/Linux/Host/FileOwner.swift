import Glibc

/// Whose a file is (stat(2)).
public struct FileOwner: Hashable, Sendable {
  /// The user's number.
  public let user: UInt32
  /// Whether it is a socket.
  public let isSocket: Bool
  /// The permissions, the last nine bits of its mode.
  public let mode: UInt32

  /// Looks at a file, not at what a link leads to.
  ///
  /// - Throws: ENOENT, EACCES, ENOTDIR.
  public init(_ path: String) throws(Errno) {
    var status = stat()
    try retrying { unsafe lstat(path, &status) }
    self.init(status)
  }

  /// Looks at a file, or at what a link leads to.
  ///
  /// - Throws: ENOENT, EACCES, ENOTDIR, ELOOP.
  public init(following path: String) throws(Errno) {
    var status = stat()
    try retrying { unsafe stat(path, &status) }
    self.init(status)
  }

  private init(_ status: stat) {
    user = status.st_uid
    isSocket = status.st_mode & S_IFMT == S_IFSOCK
    mode = status.st_mode & 0o777
  }

  /// The user's name, or number where nobody is called that (getpwuid_r(3)).
  public var userName: String {
    var entry = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 4_096)
    guard unsafe getpwuid_r(user, &entry, &buffer, buffer.count, &found) == 0, unsafe found != nil,
      let name = unsafe entry.pw_name
    else { return "\(user)" }
    return unsafe String(cString: name)
  }

  /// Removes a file (unlink(2)).
  ///
  /// - Throws: EACCES, EPERM, ENOENT, EROFS.
  public static func remove(_ path: String) throws(Errno) { try retrying { unsafe unlink(path) } }
}
