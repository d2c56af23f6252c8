import CSupport
import Glibc
public import Linux

/// A program that a test has started. It is killed when this object goes, and when the test's process dies.
public final class ManagedProcess: Sendable {
  /// Where a line came from.
  public enum Stream: Hashable, Sendable {
    /// Descriptor 1.
    case output
    /// Descriptor 2.
    case error
  }

  /// One line that the program wrote, without its end.
  public struct Line: Hashable, Sendable {
    /// Where it wrote it.
    public let stream: Stream
    /// What it wrote; bytes that are not UTF-8 are replaced.
    public let text: String
  }

  /// How a program ended.
  public enum Exit: Hashable, Sendable {
    /// It ended itself, with this status.
    case status(Int32)
    /// It was killed by this signal.
    case signal(Int32)
  }

  /// What is known of the program; its threads hold this, and never the process object.
  struct Record {
    var lines: [Line] = []
    var openStreams = 2
    var exit: Exit?
  }

  /// The pid; until the program has ended, nobody else has it.
  public let processID: Int32
  /// The command, for messages.
  public let command: String
  let record = Monitor(Record())

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - program: a path, or a name to be found by PATH.
  ///   - namespace: the network namespace that it starts in; nil for ours.
  ///   - environment: what to set beside, or instead of, our own variables.
  ///   - input: what it finds on standard input.
  /// - Throws: ENOENT when there is no such program, EACCES, and other errors of execve(2), fork(2) and setns(2).
  public init(
    _ program: String, _ arguments: [String] = [], in namespace: NetworkNamespace? = nil,
    environment: [String: String] = [:], input: String = ""
  ) throws(Errno) {
    command = ([program] + arguments).joined(separator: " ")
    let variables = ManagedProcess.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
    let text = unsafe mhs_text(input, input.utf8.count)
    if text < 0 { throw Errno(-text) }
    defer { close(text) }
    let output = try OutputPipe()
    let error = try OutputPipe()
    processID = try Spawner.start(
      [program] + arguments, environment: variables, in: namespace, input: text, output: output.writeEnd,
      error: error.writeEnd)
    output.closeWriteEnd()
    error.closeWriteEnd()
    try output.read(.output, into: record)
    try error.read(.error, into: record)
    try reap()
  }

  deinit { kill() }

  /// Sends a signal, unless the program has already ended.
  public func signal(_ number: Int32) {
    // Under the lock, in which the end is noted before the pid is given back.
    record.with { if $0.exit == nil { _ = Glibc.kill(processID, number) } }
  }

  /// Ends the program with SIGKILL and waits until it is gone.
  public func kill() {
    signal(SIGKILL)
    _ = record.wait(within: .seconds(10)) { $0.exit }
  }

  /// Waits for the end of the program and of its output.
  ///
  /// - Throws: `TestFailure` with all that it wrote when it goes on too long.
  @discardableResult
  public func waitForExit(
    within limit: Nanoseconds = .seconds(10), file: StaticString = #fileID, line: UInt = #line
  ) throws -> Exit {
    if let exit = record.wait(within: limit, until: { $0.openStreams == 0 ? $0.exit : nil }) { return exit }
    throw failure("has not ended within \(limit.count / 1_000_000) ms", file, line)
  }

  /// How it ended, or nil while it runs.
  public var exit: Exit? { record.with { $0.exit } }

  private func reap() throws(Errno) {
    let thread = try Thread(named: "reaper") { [record, processID] in
      _ = mhs_await(processID)
      record.with {
        let status = mhs_reap(processID)
        $0.exit = status < 256 ? .status(status) : .signal(status - 256)
      }
    }
    thread.detach()
  }

  private static let environment: [String: String] = {
    // A relay that is started for another purpose must not be found by those who look for the relays of this host.
    var variables = ["MULTIHOMED_ADMIN": "none"]
    var next = unsafe environ
    while let entry = unsafe next.pointee {
      let pair = unsafe String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
      unsafe next += 1
    }
    return variables
  }()
}

/// A pipe that a program writes into and a thread of ours reads lines from.
private final class OutputPipe {
  private var ends: [Int32] = [-1, -1]
  var writeEnd: Int32 { ends[1] }

  init() throws(Errno) {
    let result = unsafe mhs_pipe(&ends)
    if result < 0 { throw Errno(-result) }
  }

  deinit { for end in ends where end >= 0 { close(end) } }

  func closeWriteEnd() {
    close(ends[1])
    ends[1] = -1
  }

  /// Hands the reading end to a thread, which closes it at the end of the stream.
  func read(_ stream: ManagedProcess.Stream, into record: Monitor<ManagedProcess.Record>) throws(Errno) {
    let descriptor = ends[0]
    let thread = try Thread(named: "output") {
      var splitter = LineSplitter()
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        let lines = count > 0 ? splitter.add(buffer[..<count]) : splitter.end()
        record.with {
          $0.lines += lines.map { ManagedProcess.Line(stream: stream, text: $0) }
          if count <= 0 { $0.openStreams -= 1 }
        }
        if count <= 0 { break }
      }
      close(descriptor)
    }
    thread.detach()
    ends[0] = -1
  }
}

/// Makes lines of bytes that come in pieces.
private struct LineSplitter {
  private var rest: [UInt8] = []

  mutating func add(_ bytes: ArraySlice<UInt8>) -> [String] {
    rest += bytes
    var lines = rest.split(separator: 10, omittingEmptySubsequences: false)
    rest = [UInt8](lines.removeLast())
    return lines.map { String(decoding: $0, as: UTF8.self) }
  }

  mutating func end() -> [String] {
    defer { rest = [] }
    return rest.isEmpty ? [] : [String(decoding: rest, as: UTF8.self)]
  }
}
