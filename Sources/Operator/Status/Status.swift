package import JSON
import Linux

/// What a process says of itself.
package struct Status: Hashable, Sendable {
  /// Datagrams and bytes.
  package struct Flow: Hashable, Sendable {
    var datagrams = 0
    var bytes = 0

    static func + (a: Flow, b: Flow) -> Flow {
      Flow(datagrams: a.datagrams.adding(b.datagrams), bytes: a.bytes.adding(b.bytes))
    }
  }

  /// One listener.
  package struct Listener: Hashable, Sendable {
    let endpoint: String
    /// `up`, `pending` or `suspended`.
    let state: String
    let reason: String?
    let toBackend: Flow
    let toClient: Flow
    let queueDrops: Int
    var isUp: Bool { state == "up" }
  }

  /// A name and how often.
  package struct Count: Hashable, Sendable {
    let name: String
    let count: Int
  }

  /// One relay.
  package struct Relay: Hashable, Sendable {
    let name: String
    let listen: [String]
    let backend: String
    let upstream: String
    let sessions: Int
    let sessionLimit: Int
    let awaitingReply: Int
    let created: Int
    let ended: [Count]
    let dropped: [Count]
    let errors: [(direction: String, counts: [Count])]
    let upstreamQueueDrops: Int
    let listeners: [Listener]

    var toBackend: Flow { listeners.reduce(Flow()) { $0 + $1.toBackend } }
    var toClient: Flow { listeners.reduce(Flow()) { $0 + $1.toClient } }
    var queueDrops: Int { listeners.reduce(0) { $0.adding($1.queueDrops) } }
    /// Everything that came and was not handed on, whoever lost it.
    var losses: Int {
      let counts = dropped + errors.flatMap(\.counts)
      return counts.reduce(queueDrops.adding(upstreamQueueDrops)) { $0.adding($1.count) }
    }

    package static func == (a: Relay, b: Relay) -> Bool {
      a.name == b.name && a.created == b.created && a.listeners == b.listeners
    }
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }
  }

  let version: String
  /// The process's number, as the kernel knows it; as it says itself, where our PID namespace does not know it.
  private(set) var pid: Int
  let started: String
  let uptime: Int
  let configuration: String?
  let state: String
  let logLevel: String
  let workers: Int
  let reload: Reload?
  let relays: [Relay]

  /// What came of the last reload.
  package struct Reload: Hashable, Sendable {
    let time: String
    let errors: [String]
  }

  var isHealthy: Bool { state == "healthy" }

  /// Asks a process.
  static func ask(_ client: AdminClient) throws(OperatorFailure) -> (status: Status, json: JSONValue) {
    let (json, process) = try client.value(.get, "/status")
    guard var status = Status(json), let members = json.object else {
      throw OperatorFailure("the status that \(client.path) tells cannot be read: is it a relay of this version?")
    }
    status.pid = process ?? status.pid
    let told = members.map { $0.name == "pid" ? JSONValue.Member(name: "pid", value: .number(status.pid)) : $0 }
    return (status, .object(told))
  }
}

extension Status {
  /// Reads what a process says; nil where it lacks what it must have.
  package init?(_ json: JSONValue) {
    guard let version = json["version"]?.string, let pid = json["pid"]?.integer, let state = json["state"]?.string,
      let relays = json["relays"]?.array
    else { return nil }
    self.version = version.printable
    self.pid = pid
    self.state = state.printable
    started = json.text("started")
    uptime = json.count("uptime")
    configuration = json["configuration"]?.string?.printable
    logLevel = json.text("log_level")
    workers = json.count("workers")
    reload = json["last_reload"].flatMap { reload in
      reload["time"]?.string.map { time in
        Reload(time: time.printable, errors: reload["errors"]?.array?.compactMap { $0.string?.printable } ?? [])
      }
    }
    self.relays = relays.map { Relay($0) }
  }
}

extension Status.Relay {
  fileprivate init(_ json: JSONValue) {
    name = json.text("name")
    listen = json["listen"]?.array?.compactMap { $0.string?.printable } ?? []
    backend = json.text("backend")
    upstream = json.text("upstream")
    sessions = json.count("sessions")
    sessionLimit = json.count("session_limit")
    awaitingReply = json.count("sessions_awaiting_reply")
    created = json.count("sessions_created")
    ended = json["sessions_ended"]?.counts ?? []
    dropped = json["dropped"]?.counts ?? []
    errors = json["send_errors"]?.object?.map { ($0.name.printable, $0.value.counts) } ?? []
    upstreamQueueDrops = json.count("upstream_queue_drops")
    listeners = json["listeners"]?.array?.map { Status.Listener($0) } ?? []
  }
}

extension Status.Listener {
  fileprivate init(_ json: JSONValue) {
    let address = json.text("address")
    endpoint = (address.contains(":") ? "[\(address)]" : address) + ":\(json.count("port"))"
    state = json.text("state")
    reason = json["reason"]?.string?.printable
    toBackend = Status.Flow(json["to_backend"])
    toClient = Status.Flow(json["to_client"])
    queueDrops = json.count("receive_queue_drops")
  }
}

extension Status.Flow {
  init(_ json: JSONValue?) { self.init(datagrams: json?.count("datagrams") ?? 0, bytes: json?.count("bytes") ?? 0) }
}

extension JSONValue {
  func text(_ name: String) -> String { self[name]?.string?.printable ?? "?" }
  /// Nothing is counted below 0.
  func count(_ name: String) -> Int { max(0, self[name]?.integer ?? 0) }
  fileprivate var counts: [Status.Count] {
    object?.compactMap { member in
      member.value.integer.map { .init(name: member.name.printable, count: max(0, $0)) }
    } ?? []
  }
}

extension Int {
  /// The sum, or the greatest number there is: whatever a process tells, it does not end us.
  func adding(_ other: Int) -> Int {
    let (sum, isTooLarge) = addingReportingOverflow(other)
    return isTooLarge ? .max : sum
  }
}
