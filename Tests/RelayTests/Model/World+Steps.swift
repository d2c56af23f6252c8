import Linux
import Relay

extension World {
  /// Something happens: a batch of datagrams, each of them a step, or one thing else.
  func step() throws {
    switch dice.below(100) {
    case 0..<70:
      if dice.below(100) < scenario.replying { try receiveFromBackend() } else { try receiveFromClients() }
      steps += messages.count
      return
    case 70..<86: letTimePass()
    case 86..<94: try expire()
    case 94..<97: try sweep()
    case 97..<98: switchListener()
    default: switchDraining()
    }
    steps += 1
  }

  // MARK: Batches

  private func receiveFromClients() throws {
    guard scenario.sources != nil, dice.percent(40) else {
      messages.removeAll()
      let listener = dice.pick(serving)
      fill { message in
        if dice.percent(60) { message.peer = dice.pick(scenario.clients) }
      }
      core.receiveFromClients(messages, on: ListenerIndex(listener), now: instant)
      var trains: [ReferenceTrain] = []
      try reference.fromClients(messages, from: 0, on: listener, now: now, &trains)
      try compare(trains)
      if scenario.sources == nil { try openUpstreams(trains) }
      return
    }
    try gatherFromClients()
  }

  /// One listener after another adds to a batch, as on the way to a multiplexing upstream; the same one may come again.
  private func gatherFromClients() throws {
    messages.removeAll()
    core.beginBatch()
    var trains: [ReferenceTrain] = []
    for _ in 0..<(2 + dice.below(3)) where messages.count < ReceivedMessages.capacity {
      let (first, listener) = (messages.count, dice.pick(serving))
      fill { message in
        if dice.percent(60) { message.peer = dice.pick(scenario.clients) }
      }
      core.receiveMoreFromClients(messages, from: first, on: ListenerIndex(listener), now: instant)
      try reference.fromClients(messages, from: first, on: listener, now: now, &trains)
    }
    try compare(trains)
  }

  private var serving: [UInt32] { (0..<UInt32(scenario.listeners)).filter { gone[$0] == nil } }

  /// Does what the I/O shell does with the trains of a connected upstream.
  private func openUpstreams(_ trains: [ReferenceTrain]) throws {
    var failed: Set<Int> = []
    for number in trains.indices {
      let train = core.trains[number]
      guard let index = reference.index(ofSerial: trains[number].serial) else {
        let reason: DropReason = failed.contains(trains[number].serial) ? .upstreamUnavailable : .tableFull
        try expect(core.loss(of: train), reason, "why a train is lost")
        continue
      }
      try expect(core.loss(of: train), nil, "why a train is lost")
      try expect(core.upstream(of: train), reference.sessions[index].upstream, "train's upstream")
      guard reference.sessions[index].upstream == nil else { continue }
      if dice.percent(scenario.refusedSockets) {
        failed.insert(trains[number].serial)
        core.fail(train, now: instant)
        reference.end(index, .upstreamUnavailable, now)
      } else {
        core.setUpstream(nextUpstream, of: train)
        reference.sessions[index].upstream = nextUpstream
        nextUpstream += 1
      }
    }
  }

  private func receiveFromBackend() throws {
    guard let sources = scenario.sources else { return try receiveFromConnected() }
    messages.removeAll()
    fill { message in
      message.peer = backend()
      if dice.percent(60) { message.destination = destination(sources) }
    }
    core.receiveFromBackend(messages, now: instant)
    try compare(reference.fromBackend(messages, now: now))
  }

  /// The source address of a session, most of the time; else one that is free, in quarantine, or none of ours.
  private func destination(_ sources: SourceRange) -> UInt32 {
    let chance = dice.below(100)
    if chance < 75, !reference.sessions.isEmpty, let number = dice.pick(reference.sessions).source {
      return sources.first + number
    }
    if chance < 88, let pool = reference.pool, !pool.freed.isEmpty {
      return sources.first + dice.pick(pool.freed).number
    }
    if chance < 96 { return sources.first + UInt32(dice.below(sources.count)) }
    return dice.pick([0, sources.first - 1, sources.first &+ UInt32(sources.count), .max])
  }

  /// One batch of the socket of a session, or several in one turn, in the course of which the session may end.
  private func receiveFromConnected() throws {
    messages.removeAll()
    guard let session = reference.sessions.filter({ $0.upstream != nil }).randomElement(using: &dice) else { return }
    guard let place = session.place else { throw Divergence("session \(session.serial) never had a train") }
    for _ in 0..<dice.pick([1, 1, 2]) {
      steps += messages.count
      messages.removeAll()
      fill { $0.peer = backend() }
      core.receiveFromBackend(messages, for: place, now: instant)
      try compare(reference.fromBackend(messages, serial: session.serial, now: now))
    }
  }

  private func backend() -> Endpoint {
    if dice.percent(97) { return Endpoint(scenario.plan.backend, dice.pick(scenario.plan.backendPorts)) }
    return dice.pick([
      Endpoint(scenario.plan.backend, 5_677), Endpoint(scenario.plan.backend, 5_681),
      Endpoint(IPAddress(v4: 0x7f00_0002), 5_678), Endpoint(IPAddress(v6: 0x2001_0db8 << 32, 8), 5_678),
    ])
  }

  /// Adds datagrams to the batch most of which are alike.
  private func fill(_ address: (inout ReceivedMessage) -> Void) {
    let room = ReceivedMessages.capacity - messages.count
    let count = dice.percent(20) ? room : min(room, 1 + dice.below(8))
    let usual = Int32(dice.pick([1, 64, 100, 1_015, 1_016, 1_200, 1_472, 9_000, 32_500, 65_000]))
    var last = ReceivedMessage(peer: scenario.clients[0], length: usual)
    last.destination = scenario.sources?.first ?? 0
    for _ in 0..<count {
      last = datagram(like: last, usual)
      address(&last)
      messages.append(last)
    }
  }

  private func datagram(like last: ReceivedMessage, _ usual: Int32) -> ReceivedMessage {
    var message = last
    message.length = usual
    message.segmentSize = 0
    message.isTruncated = false
    if message.hopLimit == 1 { message.hopLimit = 64 }
    switch dice.below(100) {
    case 0..<70: break
    case 70..<78: message.length = usual - Int32(dice.below(Int(usual)))
    case 78..<80: message.length = usual + 1
    case 80..<83: message.length = 0
    case 83..<91:
      message.segmentSize = usual
      let most = min(65_535 / Int(usual), 70)
      message.length = usual * Int32(1 + dice.below(most)) - (dice.percent(50) ? Int32(dice.below(Int(usual))) : 0)
    case 91..<92:
      message.length = dice.pick([65_000, 65_001, 65_507, 65_508, 65_527])
      message.segmentSize = dice.pick([0, 0, 1_200, 32_760])
    case 92..<94: message.trafficClass = dice.pick([0, 0, 1, 0xb8])
    case 94..<97: message.hopLimit = dice.pick([0, 1, 2, 31, 32, 33, 34, 63, 64, 65, 66, 255])
    case 97..<98: message.isTruncated = true
    default: message.segmentSize = dice.pick([1, 50, usual])
    }
    return message
  }

  // MARK: All else

  /// Time passes: a little, or exactly so much that something is about to happen.
  private func letTimePass() {
    let boundary: UInt64? =
      switch dice.below(10) {
      case 0, 1: reference.nextExpiry
      case 2: reference.pool?.freed.first.map { $0.at + scenario.quarantine }
      case 3:
        reference.pool?.freed.first.map {
          let ticks = $0.at / ReferencePool.tick + scenario.quarantine / ReferencePool.tick
          return (ticks + UInt64(1 + dice.below(3))) * ReferencePool.tick
        }
      case 4: now + scenario.quarantine + dice.next() % (ReferencePool.tick * 3)
      default: nil
      }
    if let boundary, boundary > now {
      now = boundary - (dice.percent(50) ? 1 : 0)
    } else {
      now += dice.next() % scenario.usualPause
    }
  }

  private func expire() throws {
    let limit = dice.pick([1, 2, 3, 256])
    let expected = reference.expire(now: now, limit: limit)
    try expect(core.expire(now: instant, limit: limit), expected, "sessions that expired")
  }

  /// Begins a sweep, or goes on with one. After a whole one, listeners come back.
  private func sweep() throws {
    let start = sweepPlace ?? 0
    let stop = start + dice.pick([1, 2, 5, 100])
    sweepPlace = core.sweep(from: start, limit: stop - start, now: instant) { gone[$0.number] }
    let places = highestPlace + 1
    reference.sweep(start..<stop, gone: gone, now: now)
    try expect(sweepPlace, stop < places ? stop : nil, "where the sweep goes on")
    if sweepPlace == nil, start == 0 { gone = [:] }
  }

  /// A listener goes, unless it is the last; its sessions wait for the sweep.
  private func switchListener() {
    if gone.count < scenario.listeners - 1 {
      gone[UInt32(dice.below(scenario.listeners))] = dice.pick([.addressRemoved, .serviceGone, .reconfigured])
    }
    sweepPlace = nil
  }

  private func switchDraining() {
    core.isDraining = !core.isDraining && dice.percent(30)
    reference.isDraining = core.isDraining
  }
}
