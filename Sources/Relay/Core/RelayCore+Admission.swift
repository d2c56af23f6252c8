import Linux

// Who gets in: what a datagram must be, and how a client comes to a session.
extension RelayCore {
  /// Why a datagram must not pass, whichever way it goes.
  @inline(__always)
  func refusal(of message: ReceivedMessage, towardsIPv4: Bool) -> DropReason? {
    if message.isTruncated { return .truncated }
    if message.hopLimit == 1 { return .hopLimit }
    // A train is cut up again by whoever refuses it whole; only a single datagram can be too long.
    if towardsIPv4, message.length > Self.largestIPv4Payload, message.datagrams == 1 { return .tooLarge }
    return nil
  }

  /// 65,535 less an IPv4 and a UDP header.
  private static let largestIPv4Payload: Int32 = 65_507

  /// One less than it arrived with, so that a loop of relays dies; 0 when the socket's own value does that already.
  @inline(__always)
  func handedOnHopLimit(_ message: ReceivedMessage) -> UInt8 {
    guard message.hopLimit > 1 else { return 0 }
    let usual = sourceRange == nil ? Socket.connectedHopLimit : Socket.multiplexedHopLimit
    let reduced = message.hopLimit &- 1
    return reduced >= usual ? 0 : reduced
  }

  @inline(__always)
  mutating func findOrBegin(
    _ message: ReceivedMessage, on listener: ListenerIndex, now: Instant
  ) -> SessionIndex? {
    let hash = table.hash(listener, message.peer)
    if let index = table.find(listener, message.peer, hash: hash) { return index }
    switch begin(message.peer, on: listener, hash: hash, now: now) {
    case .success(let index): return index
    case .failure(let refusal):
      counters.drop(refusal.reason, message.datagrams)
      if refusal.reason == .tableFull || refusal.reason == .sourcesExhausted { refusalForRoom = refusal.reason }
      return nil
    }
  }

  private struct Refusal: Error { let reason: DropReason }

  private mutating func begin(
    _ client: Endpoint, on listener: ListenerIndex, hash: UInt32, now: Instant
  ) -> Result<SessionIndex, Refusal> {
    if let reason = refusal(ofNew: client) { return .failure(Refusal(reason: reason)) }
    // A session that works is never pushed out: then the new one is refused.
    if table.isFull, unreplied.isEmpty { return .failure(Refusal(reason: .tableFull)) }
    var source = Session.noUpstream
    if sourceRange != nil {
      // Before anyone is evicted: his address would go into quarantine, so the new client would gain nothing by it.
      guard let taken = sources.take(now: now) else { return .failure(Refusal(reason: .sourcesExhausted)) }
      source = taken
    }
    if table.isFull { end(unreplied.oldest, .evicted, now: now) }
    let index = table.insert(listener, client, hash: hash, now: now)
    table[index].upstream = source
    if sourceRange != nil { sources.assign(source, to: index) }
    unreplied.append(index, in: &table)
    counters.begin()
    return .success(index)
  }

  /// Whether a client may have a session at all.
  private func refusal(ofNew client: Endpoint) -> DropReason? {
    if isDraining { return .draining }
    if client.port == 0 { return .sourcePortZero }
    guard client.address.isIPv4 else { return nil }
    let bits = client.address.v4
    if bits >> 28 == 0xf || broadcastAddresses.contains(bits) { return .invalidSource }
    if let sourceRange, client.port == upstreamPort, sourceRange.contains(client.address) { return .ownUpstream }
    return nil
  }
}
