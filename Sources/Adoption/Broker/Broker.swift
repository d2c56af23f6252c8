import Linux

/// The part of adoption that needs rights: a process of its own that opens listeners beside the service, and does nothing
/// else. It serves one port, which it was started with; whoever asks it cannot name another, nor another user.
///
/// It keeps of its capabilities CAP_SYS_PTRACE (to share another user's socket), CAP_SETUID (to make sockets in that user's
/// name), CAP_NET_BIND_SERVICE (for low ports), CAP_NET_ADMIN (to make receive queues larger than net.core.rmem_max) and
/// CAP_DAC_READ_SEARCH (to list another user's descriptors, instead of trying them one by one; CAP_SYS_PTRACE is the
/// greater power). It gets none that it was not started with; for a service of the same user it needs none.
public enum Broker {
  /// What it is called on the command line; for `multihomed adopt` alone.
  public static let verb = "adoption-broker"

  private static let rights: [Capability] = [.trace, .setUser, .bindService, .networkAdmin, .readAnything]

  /// Answers the process that has started it, until that one ends.
  ///
  /// - Returns: the status to exit with.
  public static func run(port: UInt16) -> Int32 {
    // ps would show the name of /proc/self/exe, which it was started by.
    Thread.nameThis("multihomed")
    SignalDisposition.ignoreEnds()
    let conversation: Conversation
    do throws(Errno) {
      conversation = try Conversation.ofParent()
      try Rights.keepOnly(rights)
    } catch {
      StandardError.write(line: "multihomed: error: \(verb) is started by `multihomed adopt`, not by hand: \(error)")
      return 1
    }
    var opener = Opener(port: port)
    while let heard = try? conversation.hear() {
      do throws(Errno) { try answer(heard.text, conversation, &opener) } catch { break }
    }
    return 0
  }

  private static func answer(
    _ text: String, _ conversation: Conversation, _ opener: inout Opener
  ) throws(Errno) {
    switch BrokerRequest(text) {
    case .survey:
      for fact in opener.survey() { try conversation.say(fact.text) }
      try conversation.say(BrokerReply.done)
    case .open(let address, let workers):
      do throws(Errno) {
        try hand(try opener.open(address, workers: workers), conversation)
        try conversation.say(BrokerReply.done)
      } catch {
        try conversation.say(BrokerReply.text(error))
      }
    case nil: try conversation.say(BrokerReply.text(.invalidArgument))
    }
  }

  /// When this returns, no copy is left here: it would keep the port busy when the relay gives it up.
  private static func hand(_ sockets: consuming [Socket], _ conversation: Conversation) throws(Errno) {
    for socket in sockets { try conversation.say(BrokerReply.socket, socket) }
  }
}
