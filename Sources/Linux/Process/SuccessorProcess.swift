import CLinux
import Glibc

/// A process of this program, in whatever version it is installed now, that is to take our place: it gets our standard
/// output and error, and a conversation with us as its standard input. Until it outlives us on purpose it dies with us.
public final class SuccessorProcess {
  /// What is said.
  public let conversation: Conversation
  /// Its pid; nobody else has it before `kill()`.
  public let processID: Int32

  private static let variable = "MULTIHOMED_PREDECESSOR"

  /// Starts it.
  ///
  /// - Parameter program: its path.
  /// - Throws: ENOENT when the program is not there any more, EACCES, EMFILE, EAGAIN, ENOMEM.
  public init(_ program: String, _ arguments: [String]) throws(Errno) {
    let (ours, theirs) = try Conversation.pair()
    conversation = ours
    let list = CStrings(arguments)
    let environment = Environment.variables.merging(ManagerVariables.ours.forSuccessor) { $1 }
      .merging([Self.variable: "\(getpid())"]) { $1 }
    let variables = CStrings(environment.map { "\($0)=\($1)" })
    processID = try checked(
      unsafe mh_spawn(
        list.pointer, program, variables.pointer, 1, -1, theirs.descriptor, STDOUT_FILENO, STDERR_FILENO))
  }

  /// Sends it SIGHUP.
  public func hangUp() { Glibc.kill(processID, SIGHUP) }

  /// Kills it and waits for its end.
  public func kill() {
    Glibc.kill(processID, SIGKILL)
    _ = mh_reap(processID)
  }

  /// The other end, in the process that was started: a conversation with the one whose place it is to take. Nil in a process
  /// that was not started for that.
  ///
  /// - Throws: ENOTSOCK, EMFILE.
  public static func predecessor() throws(Errno) -> Conversation? {
    guard Environment.take([variable])[variable] == "\(getppid())" else { return nil }
    let conversation = try Conversation.ofParent()
    // Nobody is to read from there what was not meant for them.
    let nothing = Socket(owning: try retrying { unsafe open("/dev/null", O_RDONLY | O_CLOEXEC) })
    try retrying { dup2(nothing.descriptor, STDIN_FILENO) }
    return conversation
  }
}
