import CSupport
import Glibc
public import Linux

/// A program on a terminal of its own (pty(7)), as somebody would sit in front of it.
public final class TerminalProcess: Sendable {
  private let terminal: Int32
  private let tail: Int32
  private let processID: Int32
  private let shown = Monitor("")
  private let ended = Monitor<Int32?>(nil)

  /// Starts a program.
  ///
  /// - Throws: as `ManagedProcess.init`, and what openpty(3) throws.
  public init(
    _ command: [String], environment: [String: String], columns: UInt16 = 80, rows: UInt16 = 24
  ) throws(Errno) {
    var ends: [Int32] = [-1, -1]
    try check(unsafe mhs_terminal(columns, rows, &ends))
    (terminal, tail) = (ends[0], ends[1])
    let variables = environment.map { "\($0.key)=\($0.value)" }
    processID = try Spawner.start(command, environment: variables, in: nil, input: tail, output: tail, error: tail)
    let reader = try Thread(named: "terminal") { [terminal, shown] in
      var bytes = [UInt8](repeating: 0, count: 65_536)
      while case let size = unsafe read(terminal, &bytes, bytes.count), size > 0 {
        shown.with { $0 += String(decoding: bytes.prefix(size), as: UTF8.self) }
      }
      // By whoever reads from it: closed by another, its number could be another terminal's when the next read comes.
      close(terminal)
    }
    reader.detach()
    let reaper = try Thread(named: "reaper") { [ended, processID] in
      let status = mhs_reap(processID)
      ended.with { $0 = status }
    }
    reaper.detach()
  }

  deinit {
    if ended.with({ $0 }) == nil { kill(processID, SIGKILL) }
    // The last of the other ends that is ours: the reader is told so.
    close(tail)
  }

  /// All that was written so far, control sequences included.
  public var text: String { shown.with { $0 } }

  /// Waits until something was written.
  ///
  /// - Throws: `TestFailure` with all that was written when it is not in time.
  public func wait(
    for what: String, times: Int = 1, within limit: Nanoseconds = .seconds(20), file: StaticString = #fileID,
    line: UInt = #line
  ) throws {
    let found: Bool? = shown.wait(within: limit) { text in
      text.split(separator: what, omittingEmptySubsequences: false).count > times ? true : nil
    }
    if found == nil { throw TestFailure("'\(what)' was not shown, but:\n\(text)", file: file, line: line) }
  }

  /// Presses keys.
  public func press(_ keys: String) { _ = unsafe write(terminal, keys, keys.utf8.count) }

  /// Gives it another size, and tells the program.
  public func resize(columns: UInt16, rows: UInt16) {
    _ = mhs_resize(terminal, columns, rows)
    kill(processID, SIGWINCH)
  }

  /// Sends a signal.
  public func signal(_ number: Int32) { kill(processID, number) }

  /// How the terminal is set (tcgetattr(3)): what a program must leave as it was.
  public var settings: [UInt32] {
    var settings = termios()
    _ = unsafe tcgetattr(tail, &settings)
    return [settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag]
  }

  /// Waits until it has ended.
  ///
  /// - Returns: its exit status, or 256 and its signal.
  /// - Throws: `TestFailure` when it goes on.
  public func waitForExit(
    within limit: Nanoseconds = .seconds(20), file: StaticString = #fileID, line: UInt = #line
  ) throws -> Int32 {
    guard let status = ended.wait(within: limit, until: { $0 }) else {
      throw TestFailure("it has not ended, and shows:\n\(text)", file: file, line: line)
    }
    return status
  }
}
