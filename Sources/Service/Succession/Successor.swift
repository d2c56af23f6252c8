import EventLoop
import Linux
import Relay

/// The process that takes the place of this one, as this one sees it. Until it has said that it goes on, nothing is lost by
/// its end: then this one goes on.
final class Successor {
  /// What this process does for it.
  struct Tasks {
    /// The sockets, with everything going on.
    let sockets: () throws(Errno) -> Estate
    /// Stands still, and gives the sessions by worker.
    let sessions: () throws(Errno) -> [SavedWorker]
    /// It goes on with so many sessions: this process has nothing to do any more.
    let taken: (UInt64) -> Void
    /// It failed: this process goes on. With what went wrong.
    let failed: (String) -> Void
  }

  private enum Stage {
    case starting
    case preparing
    case taking
    case over
  }

  /// To start, and to open as many listeners as a host may have.
  private static let patience = Nanoseconds.seconds(30)
  /// To go on with what it was given, while nobody receives.
  private static let patienceToTake = Nanoseconds.seconds(5)
  /// To say one thing, so that a process that hangs does not hold up this one for longer.
  private static let patienceToSay = Nanoseconds.seconds(2)

  private let process: SuccessorProcess
  private let tasks: Tasks
  private var stage = Stage.starting
  private var listening: Listening?
  private var timer: Timer?

  /// Its pid.
  var processID: Int32 { process.processID }

  /// Starts it.
  ///
  /// - Throws: ENOENT when the program is not there any more, EACCES, EMFILE, EAGAIN, ENOMEM.
  init(_ loop: Loop, _ program: String, _ arguments: [String], _ tasks: Tasks) throws(Errno) {
    self.tasks = tasks
    process = try SuccessorProcess(program, arguments)
    do throws(Errno) {
      listening = try Listening(loop, process.conversation.socket) { [unowned self] in self.hear() }
      timer = try Timer(loop) { [unowned self] in self.fail("it took too long") }
    } catch {
      process.kill()
      throw error
    }
    listening?.start()
    timer?.start(after: Self.patience)
  }

  /// Has it read its configuration again.
  func hangUp() { process.hangUp() }

  /// This process goes on after all.
  func cancel() { fail("it was cancelled") }

  private func hear() {
    if stage == .over { return }
    do throws(Errno) {
      guard let (text, _) = try process.conversation.hear(within: .zero) else {
        return fail("it ended; what it said stands above")
      }
      try obey(text)
    } catch { fail("\(error)") }
  }

  private func obey(_ text: String) throws(Errno) {
    let words = text.split(separator: " ")
    switch (stage, SuccessionMessage(rawValue: text)) {
    case (.starting, .here):
      stage = .preparing
      let estate = try tasks.sockets()
      try process.conversation.give([try estate.write().socket] + estate.sockets, within: Self.patienceToSay)
    case (.preparing, .prepared):
      stage = .taking
      timer?.start(after: Self.patienceToTake)
      for saved in try tasks.sessions() {
        try process.conversation.give([saved.file.socket] + saved.sockets, within: Self.patienceToSay)
      }
    case (.taking, nil) where words.count == 2 && words[0] == SuccessionMessage.taken.rawValue:
      close()
      tasks.taken(UInt64(words[1]) ?? 0)
    default: throw .otherProtocol
    }
  }

  private func fail(_ what: String) {
    if stage == .over || hasJustTaken() { return }
    close()
    // First of all: two processes must not receive from the same sockets.
    process.kill()
    tasks.failed(what)
  }

  /// Whether it has said that it goes on, though nobody has listened yet.
  private func hasJustTaken() -> Bool {
    guard stage == .taking, let text = try? process.conversation.hear(within: .zero)?.text else { return false }
    try? obey(text)
    return stage == .over
  }

  private func close() {
    stage = .over
    listening?.close()
    timer?.close()
  }

  private final class Listening: Readiness {
    private let heard: () -> Void

    init(_ loop: Loop, _ socket: Socket, _ heard: @escaping () -> Void) throws(Errno) {
      self.heard = heard
      try super.init(loop, socket)
    }

    override func becameReadable() { heard() }
  }
}
