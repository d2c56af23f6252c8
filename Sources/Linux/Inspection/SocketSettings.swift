import CLinux
import Glibc

/// What a service has asked of its UDP socket that says how it answers (ip(7), ipv6(7), socket(7)).
public struct SocketSettings: Hashable, Sendable {
  /// IP_PKTINFO: each IPv4 datagram comes with the address that was asked.
  public var tellsDestinationV4 = false
  /// IPV6_RECVPKTINFO: each datagram does, IPv4 ones by their mapped address included.
  public var tellsDestinationV6 = false
  /// IP_RECVORIGDSTADDR or IPV6_RECVORIGDSTADDR: each datagram comes with the address that was asked before a transparent
  /// proxy rule (TPROXY) diverted it.
  public var tellsOriginalDestination = false
  /// SO_REUSEPORT: several sockets share the port.
  public var sharesPort = false
  /// SO_REUSEADDR: others may have the address and port, too, if they have the option.
  public var reusesAddress = false
  /// SO_MARK, which routing rules may look at.
  public var mark: UInt32 = 0
  /// IP_UNICAST_IF: the interface that IPv4 datagrams leave by, or 0.
  public var interfaceV4: UInt32 = 0
  /// IPV6_UNICAST_IF: the same for IPv6.
  public var interfaceV6: UInt32 = 0

  /// A socket of which nothing was asked.
  public init() {}

  /// Reads them from a socket, most likely another process's (`ProcessHandle.duplicate`). What the kernel does not know
  /// counts as not set.
  public init(of socket: Socket) {
    func isOn(_ level: Int32, _ name: Int32) -> Bool { socket.option(level, name) ?? 0 != 0 }
    tellsDestinationV4 = isOn(Int32(IPPROTO_IP), Int32(MH_IP_PKTINFO))
    tellsDestinationV6 = isOn(Int32(IPPROTO_IPV6), Int32(MH_IPV6_RECVPKTINFO))
    tellsOriginalDestination =
      isOn(Int32(IPPROTO_IP), Int32(MH_IP_RECVORIGDSTADDR)) || isOn(Int32(IPPROTO_IPV6), Int32(MH_IPV6_RECVORIGDSTADDR))
    sharesPort = socket.sharesPort
    reusesAddress = socket.reusesAddress
    mark = UInt32(bitPattern: socket.option(SOL_SOCKET, Int32(MH_SO_MARK)) ?? 0)
    interfaceV4 = socket.interfaceOption(Int32(IPPROTO_IP), Int32(MH_IP_UNICAST_IF))
    interfaceV6 = socket.interfaceOption(Int32(IPPROTO_IPV6), Int32(MH_IPV6_UNICAST_IF))
  }

  /// Reads them through a holder of the socket, whose descriptor is ours for no longer than that takes: while it is open,
  /// the port stays in use.
  ///
  /// - Parameter inode: the socket's; the holder may have closed it, and opened something else under the number.
  /// - Throws: what `ProcessHandle.duplicate(_:)` throws; EBADF when the descriptor is another socket by now.
  public static func read(from holder: SocketHolder, inode: UInt64) throws(Errno) -> SocketSettings {
    let copy = try ProcessHandle(holder.id).duplicate(holder.descriptor)
    guard copy.inode == inode else { throw Errno(EBADF) }
    return SocketSettings(of: copy)
  }
}

extension Socket {
  /// An option that is a whole number (getsockopt(2)); nil when the kernel does not know it.
  fileprivate func option(_ level: Int32, _ name: Int32) -> Int32? {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return unsafe getsockopt(descriptor, level, name, &value, &size) == 0 ? value : nil
  }

  /// An interface's index: the only options in network order.
  fileprivate func interfaceOption(_ level: Int32, _ name: Int32) -> UInt32 {
    UInt32(bigEndian: UInt32(bitPattern: option(level, name) ?? 0))
  }
}
