import CLinux
import Glibc

/// One end of a conversation between two processes: messages that arrive whole and in order, each with one descriptor or
/// none (unix(7), SOCK_SEQPACKET, SCM_RIGHTS).
public struct Conversation: Sendable {
  /// The longest message, in bytes.
  public static let limit = 1024

  /// To be polled: readable when there is a message, and from the other end's end on for ever.
  public let socket: Socket

  /// The end that a process finds as its standard input when `PeerProcess` has started it.
  ///
  /// - Throws: ENOTSOCK when somebody else has started it.
  public static func ofParent() throws(Errno) -> Conversation {
    let end = Conversation(owning: Socket(owning: try retrying { fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) }))
    guard end.socket.inode != nil else { throw Errno(ENOTSOCK) }
    // Whoever talks hears of the parent's end, and may finish what it is about.
    mh_outlive_parent()
    return end
  }

  init(owning socket: Socket) { self.socket = socket }

  /// Both ends of a new one.
  ///
  /// - Throws: EMFILE, ENOMEM.
  package static func pair() throws(Errno) -> (ours: Conversation, theirs: Socket) {
    var ends: [Int32] = [-1, -1]
    try checked(unsafe mh_open_conversation(&ends))
    return (Conversation(owning: Socket(owning: ends[0])), Socket(owning: ends[1]))
  }

  /// Says something, with a descriptor that the other end gets a copy of.
  ///
  /// - Parameter limit: how long to wait for room when the other end does not listen; nil for ever. (A socket that is polled
  ///   by libuv does not block by itself.)
  /// - Throws: EPIPE when the other end is gone, ETIMEDOUT when there was no room in time.
  public func say(_ text: String, _ attached: Socket? = nil, within limit: Nanoseconds? = nil) throws(Errno) {
    let bytes = Array(text.utf8)
    while true {
      let result = unsafe mh_say(socket.descriptor, bytes, bytes.count, attached?.descriptor ?? -1)
      if result != -EAGAIN { return _ = try checked(result) }
      var entry = pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
      let milliseconds = limit.map { Int32(clamping: $0.millisecondsRoundedUp) } ?? -1
      if try retrying({ unsafe poll(&entry, 1, milliseconds) }) == 0 { throw Errno(ETIMEDOUT) }
    }
  }

  /// Waits for the next message.
  ///
  /// - Parameter limit: how long to wait; nil for ever.
  /// - Returns: nil when the other end is gone.
  /// - Throws: ETIMEDOUT when none came in time.
  public func hear(within limit: Nanoseconds? = nil) throws(Errno) -> (text: String, attached: Socket?)? {
    if let limit, try !socket.waitUntilReadable(within: limit) { throw Errno(ETIMEDOUT) }
    var bytes = [UInt8](repeating: 0, count: Self.limit)
    var attached: Int32 = -1
    let length = try checked(unsafe mh_hear(socket.descriptor, &bytes, bytes.count, &attached))
    if length == 0 { return nil }
    let text = String(decoding: bytes.prefix(Int(length)), as: UTF8.self)
    return (text, attached < 0 ? nil : Socket(owning: attached))
  }
}

/// A process of this very program that we have started, and talk with. It hears of our end by the end of the conversation;
/// before it has taken that up, it is killed with us (PR_SET_PDEATHSIG, prctl(2)).
///
/// Nobody waits for its end: who has given up all rights may not even kill it. It is the kernel that buries it, after us.
public struct PeerProcess: Sendable {
  /// What is said.
  public let conversation: Conversation

  /// Starts it; the conversation is its standard input, our standard error is its output.
  ///
  /// - Parameter arguments: what follows the program's name.
  /// - Throws: EMFILE, EAGAIN, ENOMEM.
  public init(_ arguments: [String]) throws(Errno) {
    let (ours, theirs) = try Conversation.pair()
    conversation = ours
    let list = CStrings(["multihomed"] + arguments)
    let variables = CStrings(Environment.variables.map { "\($0)=\($1)" })
    try checked(
      unsafe mh_spawn(
        list.pointer, ChildProcess.ourselves, variables.pointer, 0, -1, theirs.descriptor, STDERR_FILENO, STDERR_FILENO)
    )
  }
}
