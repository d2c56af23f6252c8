import CLinux
import Glibc

/// A network namespace, by the file that stands for it (network_namespaces(7), ip-netns(8)).
///
/// A value of this type keeps nothing open: the namespace lives as long as the file, or a process or socket within it.
public struct NetworkNamespace: Hashable, Sendable {
  /// The file: `/run/netns/NAME`, `/proc/PID/ns/net`, `/proc/self/fd/N`.
  public let path: String

  /// The namespace behind a file.
  public init(path: String) { self.path = path }

  /// The namespace that `ip netns add` has given a name.
  public static func named(_ name: String) -> NetworkNamespace { NetworkNamespace(path: "/run/netns/\(name)") }

  /// The namespace of a process.
  public static func of(process: Int32) -> NetworkNamespace { NetworkNamespace(path: "/proc/\(process)/ns/net") }

  /// The namespace of the calling thread.
  public static let current = NetworkNamespace(path: "/proc/thread-self/ns/net")

  /// A number for the calling thread's namespace that no other gets until the next boot (SO_NETNS_COOKIE, Linux 5.14). Not
  /// the inode's, which a later namespace may have again.
  ///
  /// - Throws: ENOPROTOOPT before Linux 5.14, EMFILE.
  public static func currentCookie() throws(Errno) -> UInt64 {
    let socket = try Socket(udpFor: .loopbackIPv4)
    var cookie: UInt64 = 0
    var size = socklen_t(MemoryLayout<UInt64>.size)
    try retrying { unsafe getsockopt(socket.descriptor, SOL_SOCKET, Int32(MH_SO_NETNS_COOKIE), &cookie, &size) }
    return cookie
  }

  /// Moves the calling thread, and no other, into the namespace for good (setns(2)). What the thread has open stays where
  /// it was.
  ///
  /// - Throws: ENOENT, EACCES, EINVAL (not a network namespace), EPERM (needs CAP_SYS_ADMIN there and here).
  public func enter() throws(Errno) {
    let descriptor = try retrying { unsafe open(path, O_RDONLY | O_CLOEXEC) }
    defer { close(descriptor) }
    let result = mh_enter_network_namespace(descriptor)
    if result < 0 { throw Errno(-result) }
  }

  /// Does something inside the namespace, on a thread made for it, and waits for the end. Sockets that are opened there
  /// belong to the namespace for ever, and may be used from anywhere.
  ///
  /// - Throws: what `enter()` throws, EAGAIN when no thread can be made, and what `body` throws.
  public func run<Value: Sendable>(_ body: @escaping @Sendable () throws(Errno) -> Value) throws(Errno) -> Value {
    let outcome = Outcome<Value>()
    let thread = try Thread(named: "namespace") {
      unsafe outcome.result = Result { () throws(Errno) in
        try enter()
        return try body()
      }
    }
    thread.join()
    guard let result = unsafe outcome.result else { throw .again }
    return try result.get()
  }

  /// Written by the one thread, read by the other after it has joined the first.
  private final class Outcome<Value: Sendable>: Sendable {
    nonisolated(unsafe) var result: Result<Value, Errno>?
  }
}
