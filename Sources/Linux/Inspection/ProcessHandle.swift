import CLinux
import Glibc

/// A process of this host, held by a descriptor: it cannot be mistaken for a later one of the same pid (pidfd_open(2)).
public struct ProcessHandle: Sendable {
  /// To be polled: readable once the process has ended, and from then on for ever.
  public let descriptor: Socket

  /// Takes hold of a process.
  ///
  /// - Throws: ESRCH when there is none, EMFILE.
  public init(_ process: Int32) throws(Errno) {
    let descriptor = mh_open_process(process)
    if descriptor < 0 { throw Errno(-descriptor) }
    self.descriptor = Socket(owning: descriptor)
  }

  /// One of the process's descriptors as one of ours (pidfd_getfd(2), Linux 5.6). The two are one open file: a socket
  /// option that is set here is set there, and the port stays in use until both are closed.
  ///
  /// - Throws: EPERM without the right to trace the process (ptrace(2): the same user, or CAP_SYS_PTRACE; with Yama's
  ///   scope 1 always the capability), EBADF when it has no such descriptor, ESRCH when it is gone, ENOSYS before Linux 5.6.
  public func duplicate(_ descriptor: Int32) throws(Errno) -> Socket {
    let copy = mh_duplicate_descriptor(self.descriptor.descriptor, descriptor)
    if copy < 0 { throw Errno(-copy) }
    return Socket(owning: copy)
  }
}

extension Socket {
  /// What sock_diag(7) and /proc/PID/fd name the socket by (fstat(2), st_ino); nil when it is no socket.
  public var inode: UInt64? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
    return UInt64(status.st_ino)
  }
}
