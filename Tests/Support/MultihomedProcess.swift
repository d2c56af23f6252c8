import Glibc
public import Linux

/// The real program, started as a user would.
public final class MultihomedProcess: Sendable {
  /// The program as a process: output, signals, exit.
  public let process: ManagedProcess
  /// The line that begins with `ready`.
  public let ready: String

  /// Starts the program and waits until it is ready.
  ///
  /// - Parameters:
  ///   - namespace: where; nil for ours.
  ///   - arguments: all of them, the verb first; `--log-format json` is added to `relay` and `adopt`, since `counters` needs it.
  ///   - environment: what to set beside our own variables. Unless MULTIHOMED_ADMIN is, there is no admin socket.
  ///   - faults: what goes wrong inside of it.
  ///   - program: where it is; nil for `path()`.
  /// - Throws: `TestFailure` with all that it wrote when it does not become ready.
  public static func start(
    in namespace: NetworkNamespace? = nil, _ arguments: [String], environment: [String: String] = [:],
    faults: FaultInjection? = nil, program: String? = nil, within limit: Nanoseconds = .seconds(20),
    file: StaticString = #fileID, line: UInt = #line
  ) throws -> MultihomedProcess {
    let process = try launch(in: namespace, arguments, environment: environment, faults: faults, program: program)
    let ready = try process.waitForLine("that begins with ready", within: limit, file: file, line: line) {
      $0.hasPrefix("ready")
    }
    return MultihomedProcess(process, ready)
  }

  /// Starts the program and waits for nothing: for what is expected to fail.
  ///
  /// - Throws: as `ManagedProcess.init`; `TestFailure` when the program is not there.
  public static func launch(
    in namespace: NetworkNamespace? = nil, _ arguments: [String], environment: [String: String] = [:],
    faults: FaultInjection? = nil, program: String? = nil
  ) throws -> ManagedProcess {
    let isRelay = ["relay", "adopt"].contains(arguments.first) && !arguments.contains("--log-format")
    // Both may have a library to load.
    let variables = environment.merging(try faults?.environment() ?? [:]) { "\($0):\($1)" }
    return try ManagedProcess(
      try program ?? path(), arguments + (isRelay ? ["--log-format", "json"] : []), in: namespace,
      environment: variables)
  }

  private init(_ process: ManagedProcess, _ ready: String) {
    self.process = process
    self.ready = ready
  }

  /// What SIGUSR1 makes it log: the object of the first line that contains `"counters"`.
  ///
  /// - Throws: `TestFailure` when it does not write one.
  public func counters(
    within limit: Nanoseconds = .seconds(10), file: StaticString = #fileID, line: UInt = #line
  ) throws -> JSON {
    let mark = process.mark
    process.signal(SIGUSR1)
    return try counters(since: mark, within: limit, file: file, line: line)
  }

  /// The counters that it has logged since a mark, without asking for them: those of its end.
  ///
  /// - Throws: as above.
  public func counters(
    since mark: ManagedProcess.Mark, within limit: Nanoseconds = .seconds(10), file: StaticString = #fileID,
    line: UInt = #line
  ) throws -> JSON {
    let text = try process.waitForLine(
      containing: "\"counters\"", of: .error, since: mark, within: limit, file: file, line: line)
    guard let brace = text.firstIndex(of: "{") else {
      throw TestFailure("no JSON object in: \(text)", file: file, line: line)
    }
    return try JSON(parsing: String(text[brace...]))
  }

  /// Asks it to end (SIGTERM) and waits until it has.
  ///
  /// - Throws: `TestFailure` when it goes on.
  @discardableResult
  public func stop(
    within limit: Nanoseconds = .seconds(20), file: StaticString = #fileID, line: UInt = #line
  ) throws -> ManagedProcess.Exit {
    process.signal(SIGTERM)
    return try process.waitForExit(within: limit, file: file, line: line)
  }

  /// Where the program is: MULTIHOMED_BINARY, or beside the test bundle, where one build puts both.
  ///
  /// - Throws: `TestFailure` when there is no program.
  public static func path() throws -> String {
    let named = unsafe getenv("MULTIHOMED_BINARY").map { unsafe String(cString: $0) }
    let path = try named ?? besideTests()
    guard unsafe access(path, X_OK) == 0 else {
      throw TestFailure("no program at \(path); build it, or say where it is by MULTIHOMED_BINARY")
    }
    return path
  }

  /// The same without symbolic links, as the program itself knows where it is, and as one word of a shell.
  public static func realPath() throws -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    guard unsafe realpath(try path(), &buffer) != nil else { throw Errno(errno) }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self).shellWord
  }

  private static func besideTests() throws -> String {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let length = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
    guard length > 0 else { throw Errno(errno) }
    let bundle = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return bundle[..<(bundle.lastIndex(of: "/") ?? bundle.startIndex)] + "/multihomed"
  }
}
