import Linux

/// What two processes say to each other while one takes the other's place. First the new one says that it is there, and of
/// which version; then the old one gives its sockets, and goes on; when the new one is prepared, the old one stands still
/// and gives its sessions; and when the new one goes on with them, the old one ends.
enum SuccessionMessage: String {
  /// The new one: it is there, and knows what is meant by the rest.
  case here = "successor 1"
  /// The old one: a file or a socket, one after the other.
  case item
  /// The old one: that was all of this kind.
  case end
  /// The new one: everything stands beside the old one; sessions are missing.
  case prepared
  /// The new one: it goes on in the old one's place. A number of sessions follows.
  case taken
}

extension Conversation {
  func say(_ message: SuccessionMessage) throws(Errno) { try say(message.rawValue) }

  /// Gives descriptors.
  ///
  /// - Parameter limit: how long the other end may not listen.
  /// - Throws: EPIPE when it is gone, ETIMEDOUT.
  func give(_ sockets: [Socket], within limit: Nanoseconds) throws(Errno) {
    for socket in sockets { try say(SuccessionMessage.item.rawValue, socket, within: limit) }
    try say(SuccessionMessage.end.rawValue, within: limit)
  }

  /// Takes descriptors.
  ///
  /// - Throws: EPIPE when the other end is gone, ETIMEDOUT, EPROTO when it says something else.
  func takeAll(within limit: Nanoseconds) throws(Errno) -> [Socket] {
    var sockets: [Socket] = []
    while true {
      guard let (text, attached) = try hear(within: limit) else { throw .brokenPipe }
      switch (SuccessionMessage(rawValue: text), attached) {
      case (.item, let socket?): sockets.append(socket)
      case (.end, nil): return sockets
      default: throw .otherProtocol
      }
    }
  }
}
