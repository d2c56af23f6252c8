import EventLoop
import Linux

/// The relay's side of the conversation with the broker.
final class BrokerClient {
  /// A broker answers in a millisecond or so; on a host with very many processes, which it searches, in some hundred. The
  /// control plane does nothing else meanwhile.
  private static let patience = Nanoseconds.seconds(3)

  private enum State {
    case talking(Conversation)
    /// Nobody holds the broker's end any more, nor the sockets that were under way in it, which would keep the port busy.
    case ended(Errno)
  }

  private var state: State
  private var bell: Bell?

  /// Starts the broker. To be called before rights are given up, which it inherits.
  ///
  /// - Throws: EMFILE, EAGAIN, ENOMEM.
  init(port: UInt16) throws(Errno) {
    state = .talking(try PeerProcess([Broker.verb, "\(port)"]).conversation)
  }

  /// What has ended the conversation, if anything has.
  var failure: Errno? {
    if case .ended(let errno) = state { errno } else { nil }
  }

  /// Begins to tell, on a loop, when the broker ends while nothing is asked of it.
  ///
  /// - Throws: ENOMEM.
  func watch(on loop: Loop, _ tell: @escaping (Errno) -> Void) throws(Errno) {
    guard case .talking(let conversation) = state else { return }
    // It becomes readable without a question only when the broker has ended.
    bell = try Bell(loop, conversation.socket) { [unowned self] _ in tell(end(with: .brokenPipe)) }
  }

  /// What can be told of the port's wildcard sockets.
  ///
  /// - Throws: EPIPE when the broker has ended, ETIMEDOUT.
  func survey() throws(Errno) -> [SocketFacts] {
    try ask(.survey).compactMap { SocketFacts($0.text[...]) }
  }

  /// Opens the sockets of one listener.
  ///
  /// - Throws: what `Opener.open` throws, and as above.
  func open(_ address: IPAddress, workers: Int) throws(Errno) -> [Socket] {
    // Without its descriptor, where we have none left (unix(7), MSG_CTRUNC): it is closed already.
    let sockets = try ask(.open(address, workers: workers)).compactMap(\.attached)
    guard sockets.count == workers else { throw .tooManyDescriptors }
    return sockets
  }

  /// Everything that is said up to the end of the answer.
  private func ask(_ request: BrokerRequest) throws(Errno) -> [(text: String, attached: Socket?)] {
    guard case .talking(let conversation) = state else { throw failure ?? .brokenPipe }
    do throws(Errno) { try conversation.say(request.text) } catch { throw end(with: error) }
    var answer: [(text: String, attached: Socket?)] = []
    while true {
      let heard = try hear(conversation)
      if let errno = BrokerReply.errno(in: heard.text) { throw errno }
      if heard.text == BrokerReply.done { return answer }
      answer.append(heard)
    }
  }

  private func hear(_ conversation: Conversation) throws(Errno) -> (text: String, attached: Socket?) {
    do throws(Errno) {
      guard let heard = try conversation.hear(within: Self.patience) else { throw Errno.brokenPipe }
      return heard
    } catch { throw end(with: error) }
  }

  /// An answer that was missed would be taken for that to the next question: the conversation is over.
  private func end(with errno: Errno) -> Errno {
    bell?.close()
    bell = nil
    state = .ended(errno)
    return errno
  }
}
