import CLinux
import Glibc

/// A program that we have started. It is killed when this object goes, and when the thread that made it ends
/// (PR_SET_PDEATHSIG, prctl(2)): nothing that is started here outlives us, whatever ends us.
public final class ChildProcess {
  /// The path of the program that runs here (proc(5)): right even after its file was replaced.
  public static let ourselves = "/proc/self/exe"

  /// The pid; nobody else has it before `waitForExit()`.
  public let processID: Int32
  private let output: Socket
  private var unread: [UInt8] = []
  private var status: Int32?

  /// Starts a program, with its standard output and standard error in one pipe.
  ///
  /// - Parameters:
  ///   - program: a path, or a name to be found by PATH.
  ///   - arguments: all of them, beginning with the name that the program is to know itself by.
  ///   - environment: its variables.
  ///   - namespace: the network namespace to start it in; nil for the calling thread's.
  ///   - input: what it finds on standard input.
  /// - Throws: ENOENT when there is no such program, EACCES, EMFILE, EAGAIN, and what opening or entering the namespace
  ///   throws.
  public init(
    _ program: String, _ arguments: [String], environment: [String: String], in namespace: NetworkNamespace? = nil,
    input: String = ""
  ) throws(Errno) {
    let text = Socket(owning: try checked(unsafe mh_open_text(input, input.utf8.count)))
    let network = try namespace.map { namespace throws(Errno) in
      Socket(owning: try retrying { unsafe open(namespace.path, O_RDONLY | O_CLOEXEC) })
    }
    var ends: [Int32] = [-1, -1]
    try checked(unsafe mh_open_pipe(&ends))
    output = Socket(owning: ends[0])
    let writeEnd = Socket(owning: ends[1])
    let list = CStrings(arguments)
    let variables = CStrings(environment.map { "\($0)=\($1)" })
    processID = try checked(
      unsafe mh_spawn(
        list.pointer, program, variables.pointer, 0, network?.descriptor ?? -1, text.descriptor, writeEnd.descriptor,
        writeEnd.descriptor))
  }

  deinit { kill() }

  /// Kills it, if it has not ended, and waits for its end.
  public func kill() {
    guard status == nil else { return }
    Glibc.kill(processID, SIGKILL)
    _ = waitForExit()
  }

  /// The next line of its output, without the newline; nil when there is no more, or none in time.
  ///
  /// - Parameter limit: how long to wait for it.
  /// - Throws: EIO.
  public func nextLine(within limit: Nanoseconds) throws(Errno) -> String? {
    let end = Instant.now + limit
    while !unread.contains(UInt8(ascii: "\n")) {
      guard try output.waitUntilReadable(within: end - Instant.now), try readMore() else { break }
    }
    guard !unread.isEmpty else { return nil }
    let line = unread.prefix { $0 != UInt8(ascii: "\n") }
    unread.removeFirst(min(line.count + 1, unread.count))
    return String(decoding: line, as: UTF8.self)
  }

  /// Waits for its end.
  ///
  /// - Returns: its exit status, or 128 and the number of the signal that killed it.
  public func waitForExit() -> Int32 {
    if let status { return status }
    let status = mh_reap(processID)
    self.status = status
    return status
  }

  /// Whether there was anything to read before the end.
  private func readMore() throws(Errno) -> Bool {
    var piece = [UInt8](repeating: 0, count: 4096)
    let length = try retrying { Int32(clamping: unsafe read(output.descriptor, &piece, piece.count)) }
    unread += piece.prefix(Int(length))
    return length > 0
  }
}
