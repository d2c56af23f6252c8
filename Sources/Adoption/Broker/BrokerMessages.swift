package import Linux

/// What the relay asks of the broker: one line each.
package enum BrokerRequest: Hashable, Sendable {
  /// Look at the sockets of the port that are bound to the wildcard or to the backend's address. Answered by one message of
  /// facts a socket, and one at the end.
  case survey
  /// Open the sockets of one listener beside the service. Answered by one message a socket and one at the end, or by one
  /// with an errno.
  case open(IPAddress, workers: Int)

  /// `survey` or `open fe80::1%eth0 2`
  package var text: String {
    switch self {
    case .survey: "survey"
    case .open(let address, let workers): "open \(address) \(workers)"
    }
  }

  /// Reads what `text` has written; nil for anything else.
  package init?(_ text: String) {
    let words = text.split(separator: " ")
    switch words.first {
    case "survey" where words.count == 1: self = .survey
    case "open" where words.count == 3:
      guard let address = IPAddress(String(words[1])), let workers = Int(words[2]), (1...256).contains(workers),
        !address.isWildcard, !address.isLoopback, !address.isMulticast
      else { return nil }
      self = .open(address, workers: workers)
    default: return nil
    }
  }
}

/// What the broker can tell of a socket of the port.
package struct SocketFacts: Hashable, Sendable {
  package enum View: Hashable, Sendable {
    /// It can be shared with us.
    case open(SocketHolder, sharesPort: Bool, reusesAddress: Bool)
    /// Its process is seen, but does not let us (ptrace(2)).
    case closed(SocketHolder)
    /// Its process is not seen.
    case hidden

    /// Its process, if it is seen.
    var holder: SocketHolder? {
      switch self {
      case .open(let holder, _, _), .closed(let holder): holder
      case .hidden: nil
      }
    }
  }

  /// The socket.
  package let inode: UInt64
  /// What can be seen of it.
  package let view: View

  package init(inode: UInt64, view: View) {
    self.inode = inode
    self.view = view
  }

  /// `INODE open PID DESCRIPTOR SHARES REUSES NAME`, `INODE closed PID DESCRIPTOR 0 0 NAME` or `INODE hidden`; the name may
  /// hold spaces.
  package var text: String {
    switch view {
    case .open(let holder, let shares, let reuses):
      "\(inode) open \(holder.id) \(holder.descriptor) \(shares ? 1 : 0) \(reuses ? 1 : 0) \(holder.name)"
    case .closed(let holder): "\(inode) closed \(holder.id) \(holder.descriptor) 0 0 \(holder.name)"
    case .hidden: "\(inode) hidden"
    }
  }

  /// Reads what `text` has written; nil for anything else.
  package init?(_ text: Substring) {
    let words = text.split(separator: " ", maxSplits: 6, omittingEmptySubsequences: false)
    guard words.count >= 2, let inode = UInt64(words[0]) else { return nil }
    self.inode = inode
    if words[1] == "hidden" {
      view = .hidden
      return
    }
    guard words.count == 7, let id = Int32(words[2]), let descriptor = Int32(words[3]) else { return nil }
    let holder = SocketHolder(id: id, name: String(words[6]), descriptor: descriptor)
    view =
      words[1] == "open"
      ? .open(holder, sharesPort: words[4] == "1", reusesAddress: words[5] == "1") : .closed(holder)
  }
}

/// What the broker answers, besides facts.
enum BrokerReply {
  /// Says that the message's descriptor is a socket.
  static let socket = "socket"
  /// Says that this was all, and that the broker has no copy of any socket any more.
  static let done = "done"

  /// `error 98`
  static func text(_ errno: Errno) -> String { "error \(errno.number)" }

  /// The errno in an answer, if it is one.
  static func errno(in text: String) -> Errno? {
    guard text.hasPrefix("error "), let number = Int32(text.dropFirst(6)), number > 0 else { return nil }
    return Errno(number)
  }
}
