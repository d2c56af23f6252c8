import Linux

extension Forwarder {
  /// The sessions in some places of the table, from one on.
  func readSessions(from start: Int, _ filter: SessionFilter) -> SessionPage {
    var page = SessionPage()
    page.next = core.readSessions(from: start, limit: SessionPage.places) { session in
      guard filter.admits(session) else { return }
      // One of a listener that is gone is about to end.
      guard let asked = listeners[session.listener.position]?.endpoint, filter.admits(asked: asked) else { return }
      page.rows.append(SessionRow(session, asked: asked, upstream: upstream(of: session)))
    }
    return page
  }

  private func upstream(of session: Session) -> SessionRow.Upstream {
    if session.upstream == Session.noUpstream { return .none }
    if let multiplexed { return .source(IPAddress(v4: multiplexed.firstSource &+ session.upstream)) }
    return connected[session.upstream].map { .port($0.port) } ?? .none
  }
}
