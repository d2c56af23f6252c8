import CLinux
import Glibc

/// An error number of the kernel, captured once, right after the call that failed (errno(3)).
@frozen
public struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
  /// The number; always positive.
  public let number: Int32

  /// Names an errno by its number.
  @inlinable
  public init(_ number: Int32) { self.number = number }

  /// What the last failed call of this thread left behind.
  static var current: Errno { Errno(Glibc.errno) }

  /// The symbol, as in `ECONNREFUSED`.
  public var name: String {
    guard let name = unsafe mh_errno_name(number) else { return "E\(number)" }
    return unsafe String(cString: name)
  }

  /// The description in English, whatever the locale.
  public var text: String {
    guard let text = unsafe mh_errno_description(number) else { return "error \(number)" }
    return unsafe String(cString: text)
  }

  /// Description and symbol: `Connection refused (ECONNREFUSED)`.
  public var description: String { "\(text) (\(name))" }
}

extension Errno {
  /// Nothing there, or no room, right now.
  public static let again = Errno(EAGAIN)
  /// Another socket holds the address and port.
  public static let addressInUse = Errno(EADDRINUSE)
  /// The address is not (or, during duplicate address detection, not yet) ours.
  public static let addressNotAvailable = Errno(EADDRNOTAVAIL)
  /// The port is below `net.ipv4.ip_unprivileged_port_start` and we lack CAP_NET_BIND_SERVICE.
  public static let accessDenied = Errno(EACCES)
  /// Forbidden; on a send, a firewall rule dropped the datagram.
  public static let notPermitted = Errno(EPERM)
  /// The peer answered with an ICMP error.
  public static let connectionRefused = Errno(ECONNREFUSED)
  /// The route's host did not answer.
  public static let hostUnreachable = Errno(EHOSTUNREACH)
  /// No route.
  public static let networkUnreachable = Errno(ENETUNREACH)
  /// The host is down (ICMP).
  public static let hostDown = Errno(EHOSTDOWN)
  /// The host does not speak UDP (ICMP).
  public static let protocolUnavailable = Errno(ENOPROTOOPT)
  /// A datagram is too large for its path.
  public static let messageTooLong = Errno(EMSGSIZE)
  /// The kernel did not like an argument; on a train: too many segments.
  public static let invalidArgument = Errno(EINVAL)
  /// On a train: the device cannot checksum segments.
  public static let inputOutput = Errno(EIO)
  /// A buffer ran over.
  public static let noBuffers = Errno(ENOBUFS)
  /// This process has as many descriptors as RLIMIT_NOFILE allows.
  public static let tooManyDescriptors = Errno(EMFILE)
  /// The machine has as many files open as it can.
  public static let tooManyFiles = Errno(ENFILE)
  /// Whether it is one of these two.
  public var isForWantOfDescriptors: Bool { self == .tooManyDescriptors || self == .tooManyFiles }
  /// Out of memory.
  public static let outOfMemory = Errno(ENOMEM)
  /// Nobody reads what is written, or the other end is gone.
  public static let brokenPipe = Errno(EPIPE)
  /// No such file, process or interface.
  public static let notFound = Errno(ENOENT)
  /// A folder, where a file is wanted.
  public static let isFolder = Errno(EISDIR)
  /// Larger than it may be.
  public static let fileTooLarge = Errno(EFBIG)
  /// A path, or the address of a Unix socket, is too long.
  public static let nameTooLong = Errno(ENAMETOOLONG)
  /// Something other than a socket is there.
  public static let notSocket = Errno(ENOTSOCK)
  /// What should be a folder is none.
  public static let notFolder = Errno(ENOTDIR)
  /// No such process.
  public static let noProcess = Errno(ESRCH)
  /// The other end speaks another protocol, or another version of it.
  public static let otherProtocol = Errno(EPROTO)
  /// The address family is switched off on this host.
  public static let familyNotSupported = Errno(EAFNOSUPPORT)
}

/// Makes a system call again as long as a signal interrupts it, and captures errno once.
@discardableResult
func retrying(_ call: () -> Int32) throws(Errno) -> Int32 {
  while true {
    let result = call()
    if result >= 0 { return result }
    let error = Errno.current
    if error.number != EINTR { throw error }
  }
}

/// What a C function of ours returned, unless it is minus an errno.
@discardableResult
func checked(_ result: Int32) throws(Errno) -> Int32 {
  if result < 0 { throw Errno(-result) }
  return result
}
