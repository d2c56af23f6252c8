import CLinux
import Glibc

/// A netlink socket that rings whenever a link or an address of this network namespace changes (rtnetlink(7)).
///
/// What a message says is not read: whoever is rung takes a new snapshot.
public struct AddressDoorbell: Sendable {
  /// What reading the doorbell told.
  public enum Ring: Hashable, Sendable {
    /// Nobody who matters: only messages that did not come from the kernel.
    case silent
    /// Something changed.
    case rung
    /// So much changed that messages were lost (ENOBUFS): something changed all the same.
    case overflowed
  }

  /// 4,000 address events in one burst take 8 MB of queue (measured).
  static let queueBytes: Int32 = 8 << 20

  /// The socket to poll for readability.
  public let socket: Socket

  /// Opens the doorbell; from now on no change is missed.
  ///
  /// - Throws: EMFILE, or EPERM where a sandbox forbids AF_NETLINK.
  public init() throws(Errno) {
    let descriptor = mh_open_address_doorbell(Self.queueBytes)
    if descriptor < 0 { throw Errno(-descriptor) }
    socket = Socket(owning: descriptor)
  }

  /// Reads everything that waits. Senders other than the kernel (nl_pid not 0) are ignored.
  public func drain() -> Ring {
    let result = mh_drain_address_doorbell(socket.descriptor)
    if result < 0 { return .overflowed }
    return result == 0 ? .silent : .rung
  }
}
