public import Addresses
public import EventLoop
public import Linux

/// Where the listeners' sockets come from, and whether there may be any right now. Used by the control plane's thread
/// alone.
public protocol ListenerSource: AnyObject {
  /// Whether an address whose port somebody else holds is left to them. Otherwise that ends the start.
  var leavesTakenAddresses: Bool { get }

  /// What to say behind the line that begins with `ready`.
  var remark: String? { get }

  /// What someone should be told at the start, though nothing is wrong: one line each.
  var notes: [String] { get }

  /// Called at the start, before anything is opened: says what of the source does not fit the configuration.
  func check(_ configuration: ProcessConfiguration, on snapshot: Snapshot) throws(ConfigurationError)

  /// Why no process that this one starts can go on with the listeners, and what to do instead; nil when one can.
  var obstacleToHandingOver: String? { get }

  /// Whether the service manager can keep the listeners for the next process.
  var canBeKept: Bool { get }

  /// Opens the sockets of one listener, one for each worker.
  ///
  /// - Throws: what bind(2) throws: EADDRINUSE, EADDRNOTAVAIL, EACCES; EMFILE.
  func open(_ endpoint: Endpoint, workers: Int) throws(Errno) -> [Socket]

  /// Called when all listeners are open that could be: says what is wrong with the whole.
  func confirm() throws(ConfigurationError)

  /// Begins to tell, on a loop, when listeners may no longer be there, and when they may again. Before the first news they
  /// may.
  ///
  /// - Throws: EMFILE, ENOMEM.
  func watch(on loop: Loop, _ tell: @escaping (ListenerNews) -> Void) throws(Errno)
}

extension ListenerSource {
  /// Fits whatever is configured.
  public func check(_ configuration: ProcessConfiguration, on snapshot: Snapshot) throws(ConfigurationError) {}
}

/// What a source of listeners tells.
public enum ListenerNews: Sendable {
  /// There may be no listeners any more: their sockets are closed already. With what has happened.
  case withdrawn(String)
  /// There may be listeners again. With what has happened.
  case granted(String)
  /// The listeners that are there stay, but something is wrong. With what is, and what to do.
  case troubled(String)
  /// There will be none any more; the process ends with this.
  case ended(ConfigurationError)
}

/// The usual source: bind(2), whenever there is an address.
final class BoundListeners: ListenerSource {
  let leavesTakenAddresses = false
  let remark: String? = nil
  let notes: [String] = []
  let obstacleToHandingOver: String? = nil
  let canBeKept = true

  func open(_ endpoint: Endpoint, workers: Int) throws(Errno) -> [Socket] {
    try Socket.listeners(on: endpoint, workers: workers)
  }

  func confirm() {}

  func watch(on loop: Loop, _ tell: @escaping (ListenerNews) -> Void) {}
}
