import Glibc

/// A connection to a Unix socket of this host (unix(7), SOCK_STREAM), where every wait has an end.
public struct UnixConnection: Sendable {
  private let socket: Socket
  private let end: Instant

  /// Connects.
  ///
  /// - Parameter limit: how long all that is done with it may take.
  /// - Throws: ENOENT, ECONNREFUSED where nobody listens any more, EACCES without the right to write to it, ENAMETOOLONG;
  ///   ETIMEDOUT when whoever listens takes nobody in.
  public init(to path: String, within limit: Nanoseconds) throws(Errno) {
    end = .now + limit
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    socket = Socket(owning: try retrying { Glibc.socket(AF_UNIX, type, 0) })
    let address = try UnixAddress(path)
    while true {
      do throws(Errno) {
        try unsafe address.withPointer { [socket] pointer, length throws(Errno) in
          _ = try retrying { unsafe Glibc.connect(socket.descriptor, pointer, length) }
        }
        return
      } catch .again {
        // The queue of those who wait to be taken in is full; nothing tells when it is not.
        if .now >= end { throw .timedOut }
        Nanoseconds.milliseconds(10).sleep()
      }
    }
  }

  /// Sends all of some bytes.
  ///
  /// - Throws: EPIPE, ECONNRESET; ETIMEDOUT.
  public func write(_ bytes: [UInt8]) throws(Errno) {
    var rest = bytes[...]
    while !rest.isEmpty {
      do throws(Errno) {
        let size = try retrying {
          Int32(
            clamping: unsafe rest.withUnsafeBytes { bytes in
              unsafe send(socket.descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            })
        }
        rest = rest.dropFirst(Int(size))
      } catch .again { try wait(for: POLLOUT) }
    }
  }

  /// What comes next, at most 64 KiB.
  ///
  /// - Returns: nothing at the end.
  /// - Throws: ECONNRESET; ETIMEDOUT.
  public func read() throws(Errno) -> [UInt8] {
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      // Whoever always has more to say must not be listened to for ever.
      if .now >= end { throw .timedOut }
      do throws(Errno) {
        let size = try retrying { Int32(clamping: unsafe Glibc.read(socket.descriptor, &piece, piece.count)) }
        return Array(piece.prefix(Int(size)))
      } catch .again { try wait(for: POLLIN) }
    }
  }

  /// Who listens at the other end, as the kernel noted it when they began to (SO_PEERCRED, unix(7)).
  ///
  /// - Throws: ENOTCONN.
  public func peer() throws(Errno) -> UnixPeer {
    // struct ucred: pid, uid, gid.
    var credentials: (Int32, UInt32, UInt32) = (0, 0, 0)
    var size = socklen_t(MemoryLayout.size(ofValue: credentials))
    try retrying { unsafe getsockopt(socket.descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) }
    return UnixPeer(process: credentials.0 > 0 ? credentials.0 : nil, user: credentials.1)
  }

  private func wait(for event: Int32) throws(Errno) {
    let left = end - .now
    if left.count == 0 { throw .timedOut }
    var request = pollfd(fd: socket.descriptor, events: Int16(event), revents: 0)
    if unsafe poll(&request, 1, Int32(clamping: left.millisecondsRoundedUp)) < 0, errno != EINTR { throw .current }
  }
}

/// Who listens on a Unix socket.
public struct UnixPeer: Hashable, Sendable {
  /// The process's number; nil where our PID namespace does not know it.
  public let process: Int32?
  /// The number of its effective user.
  public let user: UInt32
}

extension Errno {
  /// It took too long.
  public static let timedOut = Errno(ETIMEDOUT)
  /// The other end has broken off.
  public static let connectionReset = Errno(ECONNRESET)
}
