public import Linux

/// What a worker leaves to the one that takes its place in another process: every session of its relays, and the sockets of
/// those that have one each.
public struct SavedWorker: Sendable {
  /// The sessions.
  public let file: NamelessFile
  /// The sockets of sessions of connected upstreams, in the order in which the file speaks of them.
  public let sockets: [Socket]

  /// Both as they came from another process.
  public init(_ file: NamelessFile, _ sockets: [Socket]) {
    self.file = file
    self.sockets = sockets
  }

  /// Whether the file can be read.
  ///
  /// - Throws: EPROTO when a program has written it that means something else; ENODATA, EIO.
  public func check() throws(Errno) {
    var reader = ValueReader(file)
    for _ in 0..<(try SavedRelays.begin(&reader)) { _ = try SavedRelays.skip(SavedRelays.heading(&reader), &reader) }
  }

  /// None of its sessions goes on: what rests goes on resting, and so do their own ports.
  ///
  /// - Throws: as above.
  public func letPortsRest() throws(Errno) {
    for socket in sockets { RestingPorts.all.rest(socket, from: .now) }
    var reader = ValueReader(file)
    _ = try SavedRelays.begin(&reader)
  }
}

/// How that file is built: a mark with the version, the ports that rest, and relay after relay.
enum SavedRelays {
  /// Of the file's build and of everything in it. A file of another version is not read.
  static let version: UInt64 = 1
  /// "MHSAVED", and the version.
  private static let mark: UInt64 = 0x4d48_5341_5645_4400 | version

  static func begin(_ file: inout ValueWriter, relays: Int, now: Instant) {
    file.put(mark)
    RestingPorts.all.save(to: &file, now: now)
    file.put(UInt32(relays))
  }

  /// - Returns: how many relays follow.
  /// - Throws: EPROTO when it was written by a program that means something else by it; ENODATA, EIO.
  static func begin(_ file: inout ValueReader) throws(Errno) -> Int {
    if try file.take(UInt64.self) != mark { throw .otherProtocol }
    try RestingPorts.all.restore(from: &file)
    return Int(try file.take(UInt32.self))
  }

  /// What is written of a relay before its sessions.
  struct Heading {
    let name: String
    let plan: SavedPlan
    /// What the kernel has told of losses at the multiplexing upstream's socket.
    let queueDrops: UInt32
    /// Its listeners, and the same of theirs.
    let listeners: [(endpoint: Endpoint, queueDrops: UInt32)]

    func write(to file: inout ValueWriter) {
      file.put(name)
      file.put(plan)
      file.put(queueDrops)
      file.put(UInt32(listeners.count))
      for listener in listeners {
        file.put(SavedEndpoint(listener.endpoint))
        file.put(listener.queueDrops)
      }
    }
  }

  static func heading(_ file: inout ValueReader) throws(Errno) -> Heading {
    let name = try file.takeText()
    let plan = try file.take(SavedPlan.self)
    let queueDrops = try file.take(UInt32.self)
    var listeners: [(endpoint: Endpoint, queueDrops: UInt32)] = []
    for _ in 0..<(try file.take(UInt32.self)) {
      let endpoint = try file.take(SavedEndpoint.self).endpoint
      listeners.append((endpoint, try file.take(UInt32.self)))
    }
    return Heading(name: name, plan: plan, queueDrops: queueDrops, listeners: listeners)
  }

  /// Passes over the sessions of a relay that does not go on.
  ///
  /// - Returns: how many they were.
  static func skip(_ heading: Heading, _ file: inout ValueReader) throws(Errno) -> UInt64 {
    if heading.plan.isMultiplexed { try SourcePool.skip(&file) }
    var count: UInt64 = 0
    while try !file.take(SavedSession.self).isEnd { count += 1 }
    return count
  }
}
