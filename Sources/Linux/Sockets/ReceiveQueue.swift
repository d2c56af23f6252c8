import CLinux
import Glibc

extension Socket {
  /// How many bytes a socket's receive queue holds when nobody asks for more or less, the kernel's own overhead with each
  /// datagram not counted (net.core.rmem_default).
  ///
  /// - Throws: EMFILE.
  public static func systemReceiveQueue() throws(Errno) -> Int { try Socket(udpFor: .loopbackIPv4).receiveQueue() }

  /// How many bytes a listener's queue and the multiplexing upstream's are to hold when nobody says otherwise.
  public static var usualReceiveQueue: Int { Int(queueBytes) }

  /// How many of so many bytes we may have.
  ///
  /// - Throws: EMFILE.
  public static func attainableReceiveQueue(_ bytes: Int) throws(Errno) -> Int {
    let trial = try Socket(udpFor: .loopbackIPv4)
    try trial.setReceiveQueue(to: bytes)
    return try trial.receiveQueue()
  }

  /// How many bytes its receive queue holds, as whoever asked for it counts them: the kernel tells twice as many, for its
  /// own overhead (socket(7), SO_RCVBUF).
  ///
  /// - Throws: EBADF.
  public func receiveQueue() throws(Errno) -> Int {
    var (bytes, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
    try retrying { unsafe getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, &size) }
    return Int(bytes) / 2
  }

  /// How many datagrams its receive queue has lost since it was made, modulo 2^32: what SO_RXQ_OVFL tells with the next
  /// message (SO_MEMINFO, SK_MEMINFO_DROPS). 0 where the kernel does not say.
  public var queueDrops: UInt32 {
    var values = [UInt32](repeating: 0, count: Int(MH_SK_MEMINFO_DROPS) + 1)
    var size = socklen_t(values.count * MemoryLayout<UInt32>.size)
    let result = unsafe getsockopt(descriptor, SOL_SOCKET, Int32(MH_SO_MEMINFO), &values, &size)
    return result == 0 ? values[Int(MH_SK_MEMINFO_DROPS)] : 0
  }

  /// Has its receive queue hold so many bytes, or as many as we may: beyond net.core.rmem_max only with CAP_NET_ADMIN. One
  /// that somebody with that right has made larger than we could is left as it is.
  ///
  /// - Throws: EMFILE.
  public func setReceiveQueue(to bytes: Int) throws(Errno) {
    let wanted = Int32(clamping: bytes)
    if (try? apply([SocketOption(SOL_SOCKET, MH_SO_RCVBUFFORCE, wanted, .required)])) != nil { return }
    let trial = try Socket(udpFor: .loopbackIPv4)
    try trial.apply([.receiveBuffer(wanted)])
    if try trial.receiveQueue() < receiveQueue(), try receiveQueue() <= bytes { return }
    try apply([.receiveBuffer(wanted)])
  }
}

/// What the kernel says of the queues of all sockets (socket(7), /proc/sys/net/core).
public enum QueueLimits {
  /// net.core.rmem_max: the most that somebody without CAP_NET_ADMIN may ask for, in bytes; nil where it cannot be read, as in
  /// a network namespace.
  public static var greatestReceiveQueue: Int? {
    ProcFile.read("/proc/sys/net/core/rmem_max").flatMap { $0.split(whereSeparator: \.isWhitespace).first }
      .flatMap { Int($0) }
  }
}
