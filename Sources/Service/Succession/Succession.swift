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

  /// - Throws: why what a process has left cannot be had.
  init(_ predecessor: Predecessor?) throws(Errno) {
    self.predecessor = predecessor
    estate = try predecessor?.estate()
  }

  /// Where listeners come from: first from what was left.
  func source(otherwise source: any ListenerSource) -> any ListenerSource {
    guard let estate else { return source }
    return InheritedListeners(estate.listenersByEndpoint, .given, otherwise: source)
  }
}
