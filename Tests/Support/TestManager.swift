import CSupport
import Glibc
public import Linux

/// A service manager as far as a program knows it: the socket at which it is told how things stand (sd_notify(3)).
public final class TestManager: Sendable {
  /// Where, as NOTIFY_SOCKET has it.
  public let address: String
  private let folder: TemporaryFolder?
  private let socket: Socket

  /// A socket in the file system, or with an abstract name.
  ///
  /// - Throws: the errno of bind(2).
  public init(abstractName: String? = nil) throws {
    let folder = abstractName == nil ? try TemporaryFolder() : nil
    self.folder = folder
    address = abstractName.map { "@\($0)" } ?? "\(folder?.path ?? "")/notify"
    let descriptor = unsafe mhs_open_manager(address)
    if descriptor < 0 { throw Errno(-descriptor) }
    socket = Socket(owning: descriptor)
    guard let folder else { return }
    // Whoever has given up root must reach it, too.
    _ = unsafe chmod(folder.path, 0o755)
    _ = unsafe chmod(address, 0o777)
  }

  /// The variables with which to start the program.
  ///
  /// - Parameter watchdog: how long its watchdog waits; nil for none.
  public func environment(watchdog: Nanoseconds? = nil) -> [String: String] {
    var variables = ["NOTIFY_SOCKET": address]
    variables["WATCHDOG_USEC"] = watchdog.map { "\($0.count / 1_000)" }
    return variables
  }

  /// The next message, by its lines.
  ///
  /// - Returns: nil when none came in time.
  public func next(within limit: Nanoseconds = .seconds(10)) throws(Errno) -> [String]? {
    guard try socket.waitUntilReadable(within: limit) else { return nil }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let length = unsafe recv(socket.descriptor, &bytes, bytes.count, 0)
    if length < 0 { throw Errno(errno) }
    return String(decoding: bytes.prefix(length), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Waits for a message with a line, and leaves out those before it.
  ///
  /// - Throws: `TestFailure` when it has not come in time.
  public func wait(
    for line: String, within limit: Nanoseconds = .seconds(20), file: StaticString = #fileID, number: UInt = #line
  ) throws {
    let end = Instant.now + limit
    while true {
      let left = end - .now
      guard left.count > 0, let message = try next(within: left) else {
        throw TestFailure("the service manager was not told \(line)", file: file, line: number)
      }
      if message.contains(line) { return }
    }
  }
}
