import Linux

/// The relay's side of the conversation with the broker.
final class BrokerClient {
  /// A broker answers in a millisecond or so; on a host with very many processes, which it searches, in some hundred.
  private static let patience = Nanoseconds.seconds(10)

  private let process: PeerProcess
  /// What has ended the conversation, if anything has.
  private(set) var failure: Errno?

  /// Starts the broker. To be called before rights are given up, which it inherits.
  ///
  /// - Throws: EMFILE, EAGAIN, ENOMEM.
  init(port: UInt16) throws(Errno) {
    process = try PeerProcess([Broker.verb, "\(port)"])
  }

  /// What can be told of the port's wildcard sockets.
  ///
  /// - Throws: EPIPE when the broker has ended, ETIMEDOUT.
  func survey() throws(Errno) -> [SocketFacts] {
    try ask(.survey)
    return BrokerReply.facts(in: try hear().text)
  }

  /// Opens the sockets of one listener.
  ///
  /// - Throws: what `Opener.open` throws, and as above.
  func open(_ address: IPAddress, workers: Int) throws(Errno) -> [Socket] {
    try ask(.open(address, workers: workers))
    var sockets: [Socket] = []
    while true {
      let heard = try hear()
      if let errno = BrokerReply.errno(in: heard.text) { throw errno }
      if heard.text == BrokerReply.done { break }
      // Without its descriptor, where we have none left (unix(7), MSG_CTRUNC): it is closed already.
      if let socket = heard.attached { sockets.append(socket) }
    }
    guard sockets.count == workers else { throw .tooManyDescriptors }
    return sockets
  }

  private func ask(_ request: BrokerRequest) throws(Errno) {
    if let failure { throw failure }
    do throws(Errno) { try process.conversation.say(request.text) } catch { throw end(with: error) }
  }

  private func hear() throws(Errno) -> (text: String, attached: Socket?) {
    do throws(Errno) {
      guard let heard = try process.conversation.hear(within: Self.patience) else { throw Errno.brokenPipe }
      return heard
    } catch { throw end(with: error) }
  }

  /// An answer that was missed would be taken for that to the next question: the conversation is over.
  private func end(with errno: Errno) -> Errno {
    failure = errno
    return errno
  }
}
