import Glibc
import Synchronization

/// The process's standard error.
public enum StandardError {
  /// Writes a line, adding the newline. A line of up to 4,096 bytes is one write(2), so that lines of several processes do
  /// not mix (PIPE_BUF, pipe(7)).
  ///
  /// A reader that does not keep up is waited for, a fifth of a second at most; then the rest of the line is lost, and no
  /// line waits again until there is room. So is it after any error but EINTR: there is nowhere left to tell it.
  public static func write(line: String) {
    write(Array(line.utf8) + [UInt8(ascii: "\n")])
  }

  /// Writes bytes, with the same error policy.
  public static func write(_ bytes: [UInt8]) { write(bytes, to: STDERR_FILENO) }

  /// Whether the last write found no room in time.
  private static let isStuck = Atomic(false)
  private static let patience: Int32 = 200  // milliseconds

  package static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // Asked first, because the descriptor may well be one that blocks: a pipe, a terminal that was stopped.
      guard waitForRoom(descriptor) else { return }
      let piece = rest.prefix(Int(PIPE_BUF))
      let written = unsafe piece.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written >= 0 {
        rest = rest.dropFirst(written)
      } else {
        let error = Errno.current
        if error.number != EINTR && error != .again { return }
      }
    }
  }

  private static func waitForRoom(_ descriptor: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    let limit = isStuck.load(ordering: .relaxed) ? 0 : patience
    let hasRoom = unsafe poll(&request, 1, limit) == 1
    isStuck.store(!hasRoom, ordering: .relaxed)
    return hasRoom
  }

  /// Whether standard error goes to the systemd journal, which has clocks of its own: `$JOURNAL_STREAM` then holds its
  /// device and inode numbers (systemd.exec(5)).
  ///
  /// - Parameter stream: The value of `$JOURNAL_STREAM`, nil when it is not set.
  public static func isJournal(_ stream: String?) -> Bool {
    guard let stream else { return false }
    var status = stat()
    guard unsafe fstat(STDERR_FILENO, &status) == 0 else { return false }
    return stream == "\(status.st_dev):\(status.st_ino)"
  }
}

/// Descriptors 0, 1 and 2.
public enum StandardDescriptors {
  /// Puts /dev/null where one of them is closed, as it may be when a supervisor starts us. Otherwise the next socket would
  /// get its number, and the log would be written into the socket.
  public static func openMissing() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free number is this one. Without close-on-exec, as all standard descriptors are.
      _ = unsafe open("/dev/null", O_RDWR)
    }
  }
}

/// What signals do to this process where no event loop watches them.
public enum SignalDisposition {
  /// Turns a write to a closed pipe into EPIPE (signal(7)), so that a log reader that ends does not take us with it.
  public static func ignoreBrokenPipes() {
    signal(SIGPIPE, SIG_IGN)
  }

  /// Leaves the end to another process: what a terminal or a service manager sends to all of a group's is for that one.
  public static func ignoreEnds() {
    for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1] { signal(number, SIG_IGN) }
  }
}

/// The process's standard output.
public enum StandardOutput {
  /// Writes a line in one write(2), with the error policy of `StandardError`.
  public static func write(line: String) {
    StandardError.write(Array(line.utf8) + [UInt8(ascii: "\n")], to: STDOUT_FILENO)
  }
}
