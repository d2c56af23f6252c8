import Linux

/// A connection to an admin socket, to somebody who may be believed: what the kernel refuses is told in words.
struct AdminLine {
  private let path: String
  private let connection: UnixConnection
  /// The process at the other end; nil where our PID namespace does not know it.
  let process: Int?

  /// Connects.
  ///
  /// The folders of other users are theirs. So whoever listens must be the user whom the file belongs to, or root: nobody is
  /// asked who has put a link to, or a copy of, another one's socket there.
  ///
  /// - Parameter limit: how long all that is done with it may take.
  init(to path: String, within limit: Nanoseconds) throws(OperatorFailure) {
    self.path = path
    let (connection, peer, file) = try Self.told(path) { () throws(Errno) in
      let file = try FileOwner(following: path)
      // A connection to whatever else is refused as if it were a socket that nobody listens on.
      guard file.isSocket else { throw .notSocket }
      let connection = try UnixConnection(to: path, within: limit)
      return (connection, try connection.peer(), file)
    }
    guard peer.user == 0 || peer.user == file.user else {
      throw OperatorFailure(
        "\(path) belongs to \(file.userName), but user \(peer.user) listens on it, and is not believed; remove it")
    }
    self.connection = connection
    process = peer.process.map { Int($0) }
  }

  func write(_ bytes: [UInt8]) throws(OperatorFailure) {
    try Self.told(path) { () throws(Errno) in try connection.write(bytes) }
  }

  /// What comes next; nothing at the end.
  func read() throws(OperatorFailure) -> [UInt8] {
    try Self.told(path) { () throws(Errno) in try connection.read() }
  }

  /// What the kernel refuses, in words.
  private static func told<Value>(
    _ path: String, _ body: () throws(Errno) -> Value
  ) throws(OperatorFailure) -> Value {
    do throws(Errno) { return try body() } catch { throw OperatorFailure(error, at: path) }
  }
}

extension OperatorFailure {
  fileprivate init(_ error: Errno, at path: String) {
    switch error {
    case .connectionRefused: self = .dead("no relay listens on \(path) any more; it was left behind, remove it")
    case .notSocket: self.init("\(path) is no socket; give a relay's admin socket, or none: multihomed status")
    case .accessDenied: self = .forbidden(path)
    case .notFound: self.init("there is no \(path); is the relay running? see: multihomed status")
    case .timedOut: self.init("the relay at \(path) does not answer; is it stopped, or very busy?")
    default: self.init("cannot ask \(path): \(error)")
    }
  }

  /// The socket is another user's. As that user one could ask, too, but it may be one that the service manager has made up.
  private static func forbidden(_ path: String) -> OperatorFailure {
    let owner = (try? FileOwner(following: path)).map { "it belongs to \($0.userName); " } ?? ""
    return OperatorFailure("no right to ask \(path): \(owner)try: sudo multihomed …")
  }
}
