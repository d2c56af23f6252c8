import Linux
import Relay

/// The process whose place this one takes: what it leaves, sockets first.
public class Predecessor {
  /// Its sockets. If it still runs, it goes on with them until `sessions()`.
  func estate() throws(Errno) -> Estate { throw .otherProtocol }

  /// Its sessions, by worker. From now on nobody receives, until we do.
  func sessions(workers: Int) throws(Errno) -> [SavedWorker] { throw .otherProtocol }

  /// We are about to go on in its place: from here on it must not.
  ///
  /// - Throws: EPIPE when it is not there any more.
  func commit(_ restored: Restored) throws(Errno) {}

  /// We go on: waits until it has ended, and left whatever only one process can have.
  func awaitEnd() {}

  /// What it has left is of no use any more.
  func forget(_ manager: ServiceManager) {}

  /// Whether it goes on if this process does not.
  var isRunning: Bool { true }

  /// Whose place this process is to take; nil when it is nobody's.
  ///
  /// - Throws: that it cannot be talked with.
  public static func ofThisProcess() throws(ConfigurationError) -> Predecessor? {
    do throws(Errno) {
      if let conversation = try SuccessorProcess.predecessor() { return RunningPredecessor(conversation) }
    } catch { throw .start("cannot take another process's place", error) }
    let stored = ManagerVariables.ours.stored
    return stored.isEmpty ? nil : StoredPredecessor(stored)
  }
}

/// One that has started this process, and still runs: gives its sockets, then its sessions, then ends.
final class RunningPredecessor: Predecessor {
  /// Longer than it takes to hand over as many sessions as there may be.
  private static let patience = Nanoseconds.seconds(20)

  private let conversation: Conversation
  /// The conversation lasts as long as the process, unless that takes over: the other hears of this one's end by it, and then
  /// kills what may still be about to say why.
  private var itself: RunningPredecessor?

  init(_ conversation: Conversation) {
    self.conversation = conversation
    super.init()
    itself = self
  }

  override func estate() throws(Errno) -> Estate {
    try conversation.say(.here)
    var all = try conversation.takeAll(within: Self.patience)
    if all.isEmpty { throw .otherProtocol }
    return try Estate(NamelessFile(all.removeFirst()), all)
  }

  override func sessions(workers: Int) throws(Errno) -> [SavedWorker] {
    try conversation.say(.prepared)
    var saved: [SavedWorker] = []
    for _ in 0..<workers {
      var all = try conversation.takeAll(within: Self.patience)
      if all.isEmpty { throw .otherProtocol }
      saved.append(SavedWorker(NamelessFile(all.removeFirst()), all))
    }
    return saved
  }

  override func commit(_ restored: Restored) throws(Errno) {
    try conversation.say("\(SuccessionMessage.taken.rawValue) \(restored.sessions)")
  }

  override func awaitEnd() {
    _ = try? conversation.hear(within: Self.patience)
    itself = nil
  }
}

/// One that has ended, and left everything with the service manager.
final class StoredPredecessor: Predecessor {
  private let names: [String]
  private let sockets: [Socket]

  /// - Parameter stored: of several processes, those of the one whose first descriptor was left last are meant.
  init(_ stored: [ManagerVariables.Passed]) {
    names = stored.map(\.name)
    let latest = stored.last { ManagerVariables.place($0.name)?.number == 0 }.flatMap {
      ManagerVariables.place($0.name)?.process
    }
    let places = stored.compactMap { one in ManagerVariables.place(one.name).map { (place: $0, socket: one.socket) } }
    sockets = places.filter { $0.place.process == latest }.sorted { $0.place.number < $1.place.number }.map(\.socket)
  }

  /// Everything in the order in which it is found again. Sessions that have a socket each are not among it: there would be
  /// too many.
  static func all(_ estate: Estate, _ saved: [SavedWorker]) throws(Errno) -> [Socket] {
    [try estate.write().socket] + saved.map(\.file.socket) + estate.sockets
  }

  override var isRunning: Bool { false }

  /// - Throws: why nothing of it can be used: no socket of it may be, then. Whoever sends from the same port, and does not know
  ///   which source addresses rest, gives one client the replies of another.
  override func estate() throws(Errno) -> Estate {
    guard let first = sockets.first else { throw .otherProtocol }
    let workers = try Estate.workers(NamelessFile(first))
    let rest = sockets.dropFirst()
    guard rest.count >= workers else { throw .otherProtocol }
    for file in rest.prefix(workers) { try SavedWorker(NamelessFile(file), []).check() }
    return try Estate(NamelessFile(first), Array(rest.dropFirst(workers)))
  }

  override func sessions(workers: Int) throws(Errno) -> [SavedWorker] {
    guard sockets.count > workers else { throw .otherProtocol }
    return sockets[1...workers].map { SavedWorker(NamelessFile($0), []) }
  }

  override func forget(_ manager: ServiceManager) { manager.forget(names) }
}
