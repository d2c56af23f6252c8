import CLinux
import Glibc

/// One setting of a socket: what it is, why we want it, and what happens when the kernel refuses it.
package struct SocketOption: Sendable {
  /// What a refusal means.
  package enum Need: Sendable {
    /// Without it the socket would not do its work: the refusal is an error.
    case required
    /// Without it we are slower or blinder, but right: the refusal is passed over.
    case wished
  }

  let level: Int32
  let name: Int32
  let value: Int32
  let need: Need

  // The headers' constants reach Swift as integers of several kinds.
  init(_ level: some BinaryInteger, _ name: some BinaryInteger, _ value: Int32 = 1, _ need: Need) {
    self.level = Int32(level)
    self.name = Int32(name)
    self.value = value
    self.need = need
  }
}

extension SocketOption {
  /// Several sockets, one a worker, share an address and port; the kernel spreads clients over them by hash. Only sockets
  /// of the same user can join (socket(7)).
  static let reusePort = SocketOption(SOL_SOCKET, SO_REUSEPORT, 1, .required)

  /// An IPv6 socket that takes no IPv4: each family has its own listeners (ipv6(7)).
  package static let v6Only = SocketOption(IPPROTO_IPV6, IPV6_V6ONLY, 1, .required)

  /// Trains arrive whole, with the segment size beside them, instead of cut up one by one (udp(7), Linux 5.0).
  static let receiveTrains = SocketOption(MH_SOL_UDP, MH_UDP_GRO, 1, .wished)

  /// Tell the type of service of each datagram, so that DSCP and ECN are passed on (ip(7)).
  static let receiveTrafficClassV4 = SocketOption(IPPROTO_IP, MH_IP_RECVTOS, 1, .wished)
  /// The same for IPv6 (ipv6(7)).
  static let receiveTrafficClassV6 = SocketOption(IPPROTO_IPV6, MH_IPV6_RECVTCLASS, 1, .wished)

  /// Tell each datagram's TTL: a loop of relays dies only if it is counted down.
  static let receiveHopLimitV4 = SocketOption(IPPROTO_IP, MH_IP_RECVTTL, 1, .wished)
  /// The same for IPv6.
  static let receiveHopLimitV6 = SocketOption(IPPROTO_IPV6, MH_IPV6_RECVHOPLIMIT, 1, .wished)

  /// Tell each datagram's destination: on the multiplexing upstream it names the session.
  package static let receiveDestination = SocketOption(IPPROTO_IP, MH_IP_PKTINFO, 1, .required)

  /// Tell how many datagrams the receive queue has lost (socket(7)).
  static let receiveQueueDrops = SocketOption(SOL_SOCKET, MH_SO_RXQ_OVFL, 1, .wished)

  /// A pending ICMP error is announced as EPOLLPRI beside EPOLLERR; without it `uv_poll` stops itself at the first one.
  static let announceErrors = SocketOption(SOL_SOCKET, MH_SO_SELECT_ERR_QUEUE, 1, .required)

  /// A queue of so many bytes, up to net.core.rmem_max, which the kernel applies without a word.
  static func receiveBuffer(_ bytes: Int32) -> SocketOption { SocketOption(SOL_SOCKET, SO_RCVBUF, bytes, .wished) }

  /// The same beyond net.core.rmem_max, for whoever has CAP_NET_ADMIN.
  static func receiveBufferForced(_ bytes: Int32) -> SocketOption {
    SocketOption(SOL_SOCKET, MH_SO_RCVBUFFORCE, bytes, .wished)
  }

  /// The same for sending, up to net.core.wmem_max.
  static func sendBuffer(_ bytes: Int32) -> SocketOption { SocketOption(SOL_SOCKET, SO_SNDBUF, bytes, .wished) }

  /// The TTL of what we send without saying otherwise.
  static func hopLimitV4(_ hops: Int32) -> SocketOption {
    SocketOption(IPPROTO_IP, IP_TTL, hops, .required)
  }

  /// The hop limit of what we send without saying otherwise.
  static func hopLimitV6(_ hops: Int32) -> SocketOption {
    SocketOption(IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops, .required)
  }
}

extension Socket {
  /// Makes the queues as large as we may. The forced size last: the plain one would cut it down again.
  func enlargeQueues(to bytes: Int32) throws(Errno) {
    try apply([.receiveBuffer(bytes), .receiveBufferForced(bytes), .sendBuffer(bytes)])
  }

  /// Applies settings in order; stops at the first required one that is refused.
  package func apply(_ options: [SocketOption]) throws(Errno) {
    for option in options {
      var value = option.value
      let size = socklen_t(MemoryLayout<Int32>.size)
      if unsafe setsockopt(descriptor, option.level, option.name, &value, size) < 0, option.need == .required {
        throw Errno.current
      }
    }
  }
}
