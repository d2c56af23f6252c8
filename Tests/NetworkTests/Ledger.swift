import Linux
import Support

/// All that a relay counts, as one value to be compared whole. Whatever is zero is not in it, so that a listener that was
/// never asked, or a reason that never occurred, needs no mention.
struct Ledger: Equatable {
  /// Datagrams and their payload's bytes in one direction.
  struct Flow: Equatable {
    var datagrams = 0
    var bytes = 0
  }

  /// What one listener counts.
  struct Account: Equatable {
    var toBackend = Flow()
    var toClient = Flow()
    var receiveQueueDrops = 0
  }

  var listeners: [Endpoint: Account] = [:]
  var dropped: [String: Int] = [:]
  var refusedToBackend: [String: Int] = [:]
  var refusedToClient: [String: Int] = [:]
  var sessions = 0
  var sessionsCreated = 0
  var sessionsEnded: [String: Int] = [:]
  var upstreamQueueDrops = 0

  /// Nothing yet.
  init() {}

  /// Datagrams that a listener passed on to the backend.
  mutating func passed(to listener: Endpoint, _ datagrams: [[UInt8]]) {
    listeners[listener, default: Account()].toBackend.add(datagrams)
  }

  /// Datagrams that a listener passed on to its clients.
  mutating func passed(from listener: Endpoint, _ datagrams: [[UInt8]]) {
    listeners[listener, default: Account()].toClient.add(datagrams)
  }

  /// Datagrams that came back as they went.
  mutating func echoed(at listener: Endpoint, _ datagrams: [[UInt8]]) {
    passed(to: listener, datagrams)
    passed(from: listener, datagrams)
  }

  /// Sessions that began and are still there.
  mutating func began(_ count: Int) {
    sessions += count
    sessionsCreated += count
  }

  /// Sessions that ended.
  mutating func ended(_ reason: String, _ count: Int) {
    sessions -= count
    sessionsEnded[reason, default: 0] += count
  }

  /// The same without bytes: for programs whose datagrams are their own affair.
  var withoutBytes: Ledger {
    var copy = self
    copy.listeners = listeners.mapValues { account in
      var account = account
      account.toBackend.bytes = 0
      account.toClient.bytes = 0
      return account
    }
    return copy
  }
}

extension Ledger.Flow {
  mutating func add(_ some: [[UInt8]]) {
    datagrams += some.count
    bytes += some.reduce(0) { $0 + $1.count }
  }
}

extension Ledger {
  /// Reads the object that SIGUSR1 makes a process log; of its first relay.
  init(_ counters: JSON) throws {
    guard let relay = counters["counters"]?["relays"]?[0] else { throw TestFailure("no relay in \(counters)") }
    try self.init(relay: relay)
  }

  /// Reads one relay's part of it.
  init(relay: JSON) throws {
    guard let listeners = relay["listeners"]?.array else { throw TestFailure("no listeners in \(relay)") }
    for listener in listeners {
      let account = try Account(
        toBackend: Flow(listener.member("to_backend")), toClient: Flow(listener.member("to_client")),
        receiveQueueDrops: listener.number("receive_queue_drops"))
      guard account != Account() else { continue }
      self.listeners[try Self.endpoint(of: listener)] = account
    }
    dropped = try relay.member("dropped").numbers()
    refusedToBackend = try relay.member("send_errors").member("to_backend").numbers()
    refusedToClient = try relay.member("send_errors").member("to_client").numbers()
    sessions = try relay.number("sessions")
    sessionsCreated = try relay.number("sessions_created")
    sessionsEnded = try relay.member("sessions_ended").numbers()
    upstreamQueueDrops = try relay.number("upstream_queue_drops")
  }

  /// Without scope: its number means nothing outside of the program's namespace.
  private static func endpoint(of listener: JSON) throws -> Endpoint {
    let text = try listener.member("address").string?.prefix { $0 != "%" }
    guard let address = text.flatMap({ IPAddress(String($0)) }), let port = UInt16(exactly: try listener.number("port"))
    else { throw TestFailure("no endpoint in \(listener)") }
    return Endpoint(address, port)
  }
}

extension Ledger.Flow {
  init(_ json: JSON) throws {
    self.init(datagrams: try json.number("datagrams"), bytes: try json.number("bytes"))
  }
}

extension JSON {
  fileprivate func member(_ key: String) throws -> JSON {
    guard let value = self[key] else { throw TestFailure("no \(key) in \(self)") }
    return value
  }

  fileprivate func number(_ key: String) throws -> Int {
    guard let value = try member(key).integer else { throw TestFailure("\(key) is no number in \(self)") }
    return value
  }

  fileprivate func numbers() throws -> [String: Int] {
    guard let members = object else { throw TestFailure("no object: \(self)") }
    return try members.mapValues { value in
      guard let number = value.integer else { throw TestFailure("no number: \(value)") }
      return number
    }
  }
}

extension MultihomedProcess {
  /// Starts `relay` with options as one would type them, and waits until it is ready.
  static func relay(
    in namespace: NetworkNamespace, _ options: String, file: StaticString = #fileID, line: UInt = #line
  ) throws -> MultihomedProcess {
    let arguments = ["relay"] + options.split(separator: " ").map(String.init)
    return try start(in: namespace, arguments, file: file, line: line)
  }

  /// What the relay counts now.
  func ledger() throws -> Ledger { try Ledger(try counters()) }

  /// Waits until the relay counts exactly this: a client may have its reply a moment before it is counted.
  ///
  /// - Throws: `TestFailure` with what it counts instead.
  func settle(
    on expected: Ledger, withoutBytes: Bool = false,
    within limit: Nanoseconds = .seconds(10), file: StaticString = #fileID, line: UInt = #line
  ) throws {
    let end = Instant.now + limit
    while true {
      let isLast = Instant.now >= end
      let found = try ledger()
      if (withoutBytes ? found.withoutBytes : found) == expected { return }
      if isLast { throw TestFailure("expected \(expected)\n\nbut counted \(found)", file: file, line: line) }
    }
  }
}

extension IPAddress {
  /// An address that a test knows to be one.
  static func of(_ text: String) throws -> IPAddress {
    guard let address = IPAddress(text) else { throw TestFailure("not an address: \(text)") }
    return address
  }
}

extension Endpoint {
  /// An endpoint that a test knows to be one: `192.0.2.1:53`, `[2001:db8::1]:53`.
  static func of(_ text: String) throws -> Endpoint {
    guard let endpoint = Endpoint(text) else { throw TestFailure("not an endpoint: \(text)") }
    return endpoint
  }
}

/// Bytes that tell where they belong: no two neighbours alike, and different for each seed.
func pattern(_ size: Int, seed: Int = 0) -> [UInt8] {
  (0..<size).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 167 &+ ($0 >> 8) &* 13 &+ seed) }
}
