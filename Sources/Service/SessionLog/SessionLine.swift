package import Linux
package import Relay

/// One session that has ended, as a line of the session log. In a fixed order, so that it can be cut up without a parser.
package struct SessionLine {
  /// When it ended.
  let time: WallTime
  let relay: String
  let session: SessionEnd

  /// - Parameters:
  ///   - wall: what the clock on the wall shows.
  ///   - now: the same moment by the clock that sessions are timed by.
  package init(relay: String, _ session: SessionEnd, wall: WallTime, now: Instant) {
    self.relay = relay
    self.session = session
    time = wall.earlier(by: now - session.ended)
  }

  /// Appends its bytes, with the newline at the end.
  package func append(to bytes: inout [UInt8], _ format: LogFormat) {
    switch format {
    case .text: bytes += Array(text.utf8)
    case .json: bytes += Array(json.utf8)
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  private var text: String {
    "\(time) \(relay) \(session.client) \(session.asked) \(seconds) \(session.toBackend.datagrams) "
      + "\(session.toBackend.bytes) \(session.toClient.datagrams) \(session.toClient.bytes) \(session.reason.label)"
  }

  /// Addresses, relays' names and reasons hold nothing that JSON would have escaped.
  private var json: String {
    "{\"time\":\"\(time)\",\"relay\":\"\(relay)\",\"client\":\"\(session.client)\",\"asked\":\"\(session.asked)\","
      + "\"seconds\":\(seconds),\"to_backend\":\(json(session.toBackend)),\"to_client\":\(json(session.toClient)),"
      + "\"end\":\"\(session.reason.label)\"}"
  }

  private func json(_ traffic: Traffic) -> String {
    "{\"datagrams\":\(traffic.datagrams),\"bytes\":\(traffic.bytes)}"
  }

  /// From its first to its last datagram, to the millisecond.
  private var seconds: String {
    let milliseconds = (session.lastActive - session.began).count / 1_000_000
    return "\(milliseconds / 1000).\(String(1000 + milliseconds % 1000).dropFirst())"
  }
}
