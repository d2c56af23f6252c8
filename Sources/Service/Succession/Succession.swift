import Linux

/// Whose place this process takes, and who takes its.
struct Succession {
  /// Where this program lay when it was started; another version may lie there by now.
  let program = ProcFile.link(ChildProcess.ourselves, limit: 4_096)
  /// Whose place it takes, and what that one leaves, until it has gone.
  var predecessor: Predecessor?
  var estate: Estate?
  /// Who is about to take this one's place.
  var successor: Successor?
  /// Whether the workers stand still for that.
  var isStandingStill = false
  /// Whether SIGHUP has come meanwhile.
  var hasHungUp = false
  /// Why nothing can be used of what another process has left, if there was anything.
  private(set) var unusable: (predecessor: Predecessor, error: Errno)?

  /// - Throws: why what a process has left cannot be had, if that one goes on.
  init(_ predecessor: Predecessor?) throws(Errno) {
    guard let predecessor else { return }
    do throws(Errno) {
      estate = try predecessor.estate()
      self.predecessor = predecessor
    } catch {
      if predecessor.isRunning { throw error }
      unusable = (predecessor, error)
    }
  }

  /// Where listeners come from: first from what was left.
  func source(otherwise source: any ListenerSource) -> any ListenerSource {
    guard let estate else { return source }
    return InheritedListeners(estate.listenersByEndpoint, .given, otherwise: source)
  }
}
