import Glibc

/// The terminal that standard input and output are (termios(3), console_codes(4)).
public final class Terminal {
  /// How many columns and rows it has.
  public struct Size: Hashable, Sendable {
    /// Characters in a line.
    public let columns: Int
    /// Lines.
    public let rows: Int

    /// So many of both.
    public init(columns: Int, rows: Int) {
      self.columns = columns
      self.rows = rows
    }
  }

  private let before: termios
  private var isTaken = false

  /// Whether standard output is a terminal.
  public static var isOutput: Bool { isatty(STDOUT_FILENO) == 1 }

  /// The terminal that both are.
  ///
  /// - Throws: ENOTTY where one of them is not.
  public init() throws(Errno) {
    var settings = termios()
    try retrying { isatty(STDOUT_FILENO) == 1 ? 0 : -1 }
    try retrying { unsafe tcgetattr(STDIN_FILENO, &settings) }
    before = settings
  }

  deinit { release() }

  /// Takes it over: keys come at once and unseen, Ctrl-C as a key, on a screen of its own without a cursor.
  ///
  /// - Throws: EIO when we are in the background.
  public func take() throws(Errno) {
    var raw = before
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
    raw.c_iflag &= ~tcflag_t(IXON | ICRNL)
    // What was typed already counts.
    try retrying { unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) }
    isTaken = true
    write("\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l")
  }

  /// Gives it back as it was.
  public func release() {
    if !isTaken { return }
    isTaken = false
    write("\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l")
    var settings = before
    _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
  }

  /// Its size now; 80 by 24 where it does not say.
  public static var size: Size {
    var window = winsize()
    let result = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window)
    guard result == 0, window.ws_col > 0, window.ws_row > 0 else { return Size(columns: 80, rows: 24) }
    return Size(columns: Int(window.ws_col), rows: Int(window.ws_row))
  }

  /// Writes a text, whole, however long that takes; after an error nothing.
  public func write(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let size = try? retrying {
        Int32(clamping: unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) })
      }
      guard let size, size > 0 else { return }
      rest = rest.dropFirst(Int(size))
    }
  }

  /// Standard input, to be polled for keys: a descriptor of its own.
  ///
  /// - Throws: EMFILE.
  public static func input() throws(Errno) -> Socket {
    Socket(owning: try retrying { fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) })
  }

  /// The keys that wait, as bytes; nil at the end of input.
  public static func keys(from input: Socket) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 64)
    guard let size = try? retrying({ Int32(clamping: unsafe read(input.descriptor, &bytes, bytes.count)) }), size > 0
    else { return nil }
    return Array(bytes.prefix(Int(size)))
  }
}
