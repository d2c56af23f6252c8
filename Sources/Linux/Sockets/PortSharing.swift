import Glibc

/// Who else may bind a socket's address and port (socket(7)).
extension Socket {
  /// SO_REUSEPORT: another socket of the same user may, if it has the option, too.
  public var sharesPort: Bool { flag(SOL_SOCKET, SO_REUSEPORT) }

  /// SO_REUSEADDR: on Linux, another UDP socket of anybody may, if it has the option, too; the newest gets the datagrams.
  public var reusesAddress: Bool { flag(SOL_SOCKET, SO_REUSEADDR) }

  /// Sets SO_REUSEPORT; on a bound socket it holds from now on, for whoever comes.
  ///
  /// - Throws: EBADF.
  public func setSharesPort(_ shares: Bool) throws(Errno) {
    try apply([SocketOption(SOL_SOCKET, SO_REUSEPORT, shares ? 1 : 0, .required)])
  }

  private func flag(_ level: Int32, _ name: Int32) -> Bool {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return unsafe getsockopt(descriptor, level, name, &value, &size) == 0 && value != 0
  }
}
