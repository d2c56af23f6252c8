import Linux

/// What the supervisor has to do with the service manager that has started it.
extension Supervisor {
  /// Where listeners come from: from somebody who has a way of their own, or else from the service manager as far as it has
  /// opened any.
  static func listeners(from given: (any ListenerSource)?) throws(ConfigurationError) -> any ListenerSource {
    let passed = ManagerVariables.ours.passed
    if passed.isEmpty { return given ?? BoundListeners() }
    if given != nil {
      throw .host(
        "multihomed adopt opens its listeners itself, beside the service's; take the .socket unit away, or Sockets= out of "
          + "the .service unit")
    }
    return try ActivatedListeners(passed)
  }

  /// Tells the service manager that everything serves, and from now on that it still does.
  func tellReady() throws(ConfigurationError) {
    manager.status = { [unowned self] in self.statusLine }
    manager.ready()
    do throws(Errno) { try manager.watch(crew, on: loop) } catch { throw .start("cannot answer the watchdog", error) }
  }

  private var statusLine: String {
    let addresses = Set(keeper.roster.serving.map(\.endpoint.address)).count
    let sessions = crew.sessions
    let counts =
      "\(addresses) \(addresses == 1 ? "address" : "addresses"), "
      + "\(sessions) \(sessions == 1 ? "session" : "sessions")"
    return drain == nil ? "serving \(counts)" : "draining: \(counts)"
  }
}
