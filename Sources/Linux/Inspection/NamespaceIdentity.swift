import CLinux
import Glibc

extension NetworkNamespace {
  /// What tells one network namespace from another (stat(2), st_ino): the number in `net:[4026531840]`. Nil when the file
  /// is gone, or may not be looked at: another user's /proc/PID/ns/net needs CAP_SYS_PTRACE.
  public var inode: UInt64? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return UInt64(status.st_ino)
  }
}
