package import Linux
package import Relay

/// A session as one line of JSON.
package struct SessionText {
  let relay: String
  let row: SessionRow
  let now: Instant

  package init(relay: String, _ row: SessionRow, now: Instant) {
    self.relay = relay
    self.row = row
    self.now = now
  }

  /// Appends the object, without an end of line. Addresses and relays' names hold nothing that JSON would have escaped.
  package func append(to bytes: inout [UInt8]) {
    bytes += Array(
      ("{\"relay\":\"\(relay)\",\"client\":\"\(row.client)\",\"asked\":\"\(row.asked)\",\"age\":\(seconds(row.began)),"
        + "\"idle\":\(seconds(row.lastActive)),\"to_backend\":\(json(row.toBackend)),\"to_client\":\(json(row.toClient)),"
        + "\"replied\":\(row.isReplied),\"upstream\":\(upstream)}").utf8)
  }

  private var upstream: String {
    switch row.upstream {
    case .source(let address): "\"\(address)\""
    case .port(let port): "\(port)"
    case .none: "null"
    }
  }

  private func json(_ traffic: Traffic) -> String {
    "{\"datagrams\":\(traffic.datagrams),\"bytes\":\(traffic.bytes)}"
  }

  /// Since a moment, to the millisecond.
  private func seconds(_ moment: Instant) -> String {
    let milliseconds = (now - moment).count / 1_000_000
    return "\(milliseconds / 1000).\(String(1000 + milliseconds % 1000).dropFirst())"
  }
}
