import CLinux
import Glibc

/// A network namespace of our own, empty and without a name. It goes with this object, and with this process whatever ends
/// it, and with it every interface that was moved there, and the other end of each veth pair.
public final class PrivateNamespace: Sendable {
  private let owner: Socket

  /// Makes one; the calling thread stays where it is (unshare(2), on a thread made for it).
  ///
  /// - Throws: EPERM without CAP_SYS_ADMIN, ENOSPC beyond user.max_net_namespaces, EMFILE, EAGAIN.
  public init() throws(Errno) {
    let made = Guarded<Result<Int32, Errno>>(.failure(.again))
    let thread = try Thread(named: "namespace") {
      let result = Result { () throws(Errno) in
        let refused = mh_unshare_network()
        if refused < 0 { throw Errno(-refused) }
        return try retrying { unsafe open(NetworkNamespace.current.path, O_RDONLY | O_CLOEXEC) }
      }
      made.withLock { $0 = result }
    }
    thread.join()
    owner = Socket(owning: try made.withLock { $0 }.get())
  }

  /// The namespace, for this process.
  public var namespace: NetworkNamespace { NetworkNamespace(path: "/proc/self/fd/\(owner.descriptor)") }

  /// The file that stands for it, for programs that we start.
  public var path: String { "/proc/\(getpid())/fd/\(owner.descriptor)" }
}
