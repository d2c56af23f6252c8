public import Linux

extension ManagedProcess {
  /// A place in the output: what came before it is not looked at.
  public struct Mark: Hashable, Sendable {
    let line: Int
    /// The beginning.
    public static let start = Mark(line: 0)
  }

  /// The end of the output, right now.
  public var mark: Mark { record.with { Mark(line: $0.lines.count) } }

  /// What the program has written since a mark.
  public func lines(of stream: Stream? = nil, since mark: Mark = .start) -> [String] {
    record.with { record in
      record.lines[min(mark.line, record.lines.count)...].filter { stream == nil || $0.stream == stream }.map(\.text)
    }
  }

  /// Whether it has ended, and all that it wrote is here.
  public var hasEnded: Bool { record.with { $0.openStreams == 0 && $0.exit != nil } }

  /// All of one stream as a text.
  public func text(of stream: Stream) -> String { lines(of: stream).joined(separator: "\n") }

  /// Waits for a line that contains a text.
  ///
  /// - Throws: `TestFailure` with all that the program wrote when the time is over, or when it has ended without one.
  @discardableResult
  public func waitForLine(
    containing text: String, of stream: Stream? = nil, since mark: Mark = .start,
    within limit: Nanoseconds = .seconds(10), file: StaticString = #fileID, line: UInt = #line
  ) throws -> String {
    try waitForLine("with \"\(text)\"", of: stream, since: mark, within: limit, file: file, line: line) {
      $0.contains(text)
    }
  }

  /// Waits for a line that satisfies a condition.
  ///
  /// - Parameter what: what kind of line it is, for the message.
  /// - Throws: as above.
  @discardableResult
  public func waitForLine(
    _ what: String, of stream: Stream? = nil, since mark: Mark = .start, within limit: Nanoseconds = .seconds(10),
    file: StaticString = #fileID, line: UInt = #line, where isMeant: (String) -> Bool
  ) throws -> String {
    // Each line is looked at once.
    var next = mark.line
    let found: String?? = record.wait(within: limit) { record in
      while next < record.lines.count {
        defer { next += 1 }
        let line = record.lines[next]
        if stream == nil || line.stream == stream, isMeant(line.text) { return .some(line.text) }
      }
      return record.openStreams == 0 && record.exit != nil ? .some(nil) : nil
    }
    if let line = found ?? nil { return line }
    throw failure("wrote no line \(what)", file, line)
  }

  /// A failure that shows the command and all that it wrote.
  func failure(_ what: String, _ file: StaticString, _ line: UInt) -> TestFailure {
    let (lines, exit) = record.with { ($0.lines, $0.exit) }
    let state = exit.map { "ended with \($0)" } ?? "is still running"
    let output = lines.suffix(50).map { "  \($0.stream == .error ? "!" : ">") \($0.text)" }.joined(separator: "\n")
    return TestFailure("`\(command)` \(what); it \(state) and wrote:\n\(output)", file: file, line: line)
  }

  /// Runs a program to its end.
  ///
  /// - Returns: what it wrote on standard output.
  /// - Throws: `TestFailure` when its exit status is not 0, and as `init`.
  @discardableResult
  public static func run(
    _ program: String, _ arguments: [String] = [], in namespace: NetworkNamespace? = nil, input: String = "",
    within limit: Nanoseconds = .seconds(60), file: StaticString = #fileID, line: UInt = #line
  ) throws -> String {
    let process = try ManagedProcess(program, arguments, in: namespace, input: input)
    guard try process.waitForExit(within: limit, file: file, line: line) == .status(0) else {
      throw process.failure("failed", file, line)
    }
    return process.text(of: .output)
  }
}
