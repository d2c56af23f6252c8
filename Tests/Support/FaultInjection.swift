import Glibc
public import Linux

/// System calls that fail inside a program that a test starts (see Tests/FaultInjection/faults.c).
public struct FaultInjection: Sendable {
  /// A call that can fail.
  public enum Call: String, Sendable {
    /// Receiving a batch.
    case receive = "recvmmsg"
    /// Sending a batch.
    case send = "sendmmsg"
    /// Taking a snapshot of the addresses.
    case interfaces = "getifaddrs"
    /// Opening a UDP socket.
    case socket
    /// Binding an IPv4 or IPv6 socket.
    case bind
    /// Receiving what the kernel tells by netlink(7).
    case netlink
  }

  /// What happens instead of the call.
  public enum Effect: Sendable {
    /// It fails.
    case failure(Errno)
    /// A received message is marked as cut off (MSG_TRUNC).
    case cutData
    /// A received message is marked as having lost control messages (MSG_CTRUNC).
    case cutControl
    /// A netlink message is marked as one of a list that has changed meanwhile (NLM_F_DUMP_INTR).
    case interruptedDump
    /// Receiving: it does not return as long as the faults act.
    case hang
  }

  /// One rule.
  public struct Fault: Sendable {
    /// Which call.
    public var call: Call
    /// What happens instead.
    public var effect: Effect
    /// How many pass first: messages that are sent or cut, otherwise calls.
    public var after = 0
    /// How often it then happens; nil for ever.
    public var times: Int? = 1
    /// Sending: only trains (UDP_SEGMENT).
    public var trainsOnly = false
    /// Only on sockets bound to this port.
    public var localPort: UInt16?
    /// Sending: only messages to this port.
    public var peerPort: UInt16?

    /// A rule that acts once, at once.
    public init(_ call: Call, _ effect: Effect) {
      self.call = call
      self.effect = effect
    }

    var text: String {
      var parts = [call.rawValue]
      switch effect {
      case .failure(let errno): parts.append("errno=\(errno.number)")
      case .cutData: parts.append("cut=data")
      case .cutControl: parts.append("cut=control")
      case .interruptedDump: parts.append("cut=dump")
      case .hang: parts.append("hang=1")
      }
      parts += ["after=\(after)", "times=\(times ?? 0)"]
      if trainsOnly { parts.append("trains=1") }
      if let localPort { parts.append("local=\(localPort)") }
      if let peerPort { parts.append("peer=\(peerPort)") }
      return parts.joined(separator: ":")
    }
  }

  private let faults: [Fault]
  private let switchPath: String?

  /// Faults to inject, at most 16; the first that fits acts. Each says so in a line `fault: CALL ERRNO` on standard error
  /// the first time.
  ///
  /// - Parameter whileFileExists: the faults act only while there is a file at this path; nil for always.
  public init(_ faults: [Fault], whileFileExists path: String? = nil) {
    self.faults = faults
    switchPath = path
  }

  /// The variables with which to start the program.
  ///
  /// - Throws: `TestFailure` when the library cannot be compiled.
  public func environment() throws -> [String: String] {
    var variables = [
      "LD_PRELOAD": try Self.library("faults.c"), "MH_FAULTS": faults.map(\.text).joined(separator: ";"),
    ]
    variables["MH_FAULTS_WHILE"] = switchPath
    return variables
  }

  /// Compiles a program or library of Tests/FaultInjection; in C, with CC or clang.
  ///
  /// - Returns: its path in the folder.
  /// - Throws: `TestFailure` with what the compiler said.
  public static func compile(_ source: String, _ options: [String] = [], into folder: TemporaryFolder) throws -> String
  {
    let tests = "\(#filePath)".split(separator: "/").dropLast(2).map { "/\($0)" }.joined()
    let output = folder.path + "/" + source.prefix { $0 != "." }
    let compiler = unsafe getenv("CC").map { unsafe String(cString: $0) } ?? "clang"
    let always = ["-Wall", "-Wextra", "-Werror", "-O1", "-o", output, "\(tests)/FaultInjection/\(source)"]
    try ManagedProcess.run(compiler, options + always)
    return output
  }

  /// The same, compiled once a test run.
  ///
  /// - Throws: as above.
  public static func compiled(_ source: String, _ options: [String] = []) throws -> String {
    try outputs.with { outputs in
      if let done = outputs[source] { return done.path }
      let folder = try TemporaryFolder()
      let path = try compile(source, options, into: folder)
      outputs[source] = (path, folder)
      return path
    }
  }

  /// A library for LD_PRELOAD. Not made by SwiftPM, which would build it with the sanitizers of the tests: a library that is
  /// loaded before the program must do without.
  static func library(_ source: String) throws -> String { try compiled(source, ["-shared", "-fPIC"]) }

  /// Keeps the folders until the tests end.
  private static let outputs = Monitor<[String: (path: String, folder: TemporaryFolder)]>([:])
}
