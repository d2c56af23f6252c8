package import Addresses
package import EventLoop
package import Linux

/// Listeners whose sockets somebody else has opened and bound: those are handed out first; whatever else is wanted comes from
/// another source.
package final class InheritedListeners: ListenerSource {
  /// Whose the sockets are.
  package enum Tenure: Sendable {
    /// Whoever opened them keeps them open, so that their ports can never be bound anew: a service manager. They are kept
    /// here, too, and a listener that was closed can be opened again with the same socket.
    case lent
    /// They are ours alone, or will be: the process that we take over from. Each is handed out once; after it is closed, its
    /// endpoint is bound like any other.
    case given
  }

  private var sockets: [Endpoint: [Socket]]
  private let tenure: Tenure
  private let otherwise: any ListenerSource
  /// Those of lent sockets that were handed out before.
  private var used: Set<Endpoint> = []

  /// - Parameters:
  ///   - sockets: by the endpoint that they are bound to, which must be one of an interface address
  ///     (`Socket.endpointAsListener()`); several of one endpoint share its port.
  ///   - otherwise: where all other listeners come from; nil for bind(2).
  package init(_ sockets: [Endpoint: [Socket]], _ tenure: Tenure, otherwise: (any ListenerSource)? = nil) {
    self.sockets = sockets
    self.tenure = tenure
    self.otherwise = otherwise ?? BoundListeners()
  }

  /// Where there are sockets still to be handed out, or lent.
  package var endpoints: [Endpoint] { Array(sockets.keys) }

  /// Closes those that were given and that nobody has wanted.
  func closeRest() { if tenure == .given { sockets = [:] } }

  // MARK: ListenerSource

  package var leavesTakenAddresses: Bool { otherwise.leavesTakenAddresses }

  package var remark: String? { otherwise.remark }

  package var notes: [String] { otherwise.notes }

  package var obstacleToHandingOver: String? { otherwise.obstacleToHandingOver }

  package var canBeKept: Bool { otherwise.canBeKept }

  package func check(_ configuration: ProcessConfiguration, on snapshot: Snapshot) throws(ConfigurationError) {
    try otherwise.check(configuration, on: snapshot)
  }

  package func open(_ endpoint: Endpoint, workers: Int) throws(Errno) -> [Socket] {
    guard let all = sockets[endpoint] else { return try otherwise.open(endpoint, workers: workers) }
    var opened: [Socket] = []
    for socket in all.prefix(workers) {
      let ours = tenure == .lent ? try socket.duplicate() : socket
      try ours.becomeInheritedListener()
      opened.append(ours)
    }
    switch tenure {
    case .given: sockets[endpoint] = nil
    // Nobody was to be served meanwhile: what has come then is stale.
    case .lent: if !used.insert(endpoint).inserted { for socket in opened { socket.discardReceived() } }
    }
    return try complete(opened, endpoint, workers)
  }

  package func confirm() throws(ConfigurationError) { try otherwise.confirm() }

  package func watch(on loop: Loop, _ tell: @escaping (ListenerNews) -> Void) throws(Errno) {
    try otherwise.watch(on: loop, tell)
  }

  // MARK: Workers

  /// Gives every worker a socket. Others can join an inherited one if it is the same user's (SO_REUSEPORT); if not, the
  /// workers that have none of it have no part in this listener.
  private func complete(_ opened: [Socket], _ endpoint: Endpoint, _ workers: Int) throws(Errno) -> [Socket] {
    var sockets = opened
    if sockets.count < workers { for socket in opened { try socket.setSharesPort(true) } }
    while sockets.count < workers {
      do throws(Errno) {
        sockets.append(try Socket.listener(on: endpoint, sharesPort: true))
      } catch {
        guard error == .addressInUse || error == .addressNotAvailable || error == .accessDenied else { throw error }
        if sockets.count == 1 { try sockets[0].setSharesPort(false) }
        while sockets.count < workers { sockets.append(try Socket.deaf(for: endpoint.address)) }
      }
    }
    return sockets
  }
}
