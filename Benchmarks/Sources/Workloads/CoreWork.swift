import Linux
import Relay

/// A core with a clock that moves only when told to, and clients who never leave.
final class Scene {
  var core: RelayCore
  var now = Instant(nanoseconds: 1_000_000_000_000)

  private static let backend = Endpoint(.loopbackIPv4, 5_678)
  private static let sources = SourceRange(first: 0x7f40_0000, count: 1 << 22)
  private static let year = Nanoseconds.seconds(365 * 86_400)
  static let unrepliedTimeout = Nanoseconds.seconds(30)

  /// - Parameter sessions: so many clients, from number 0 on, have asked and were answered.
  init(sessions: Int) throws {
    let plan = RelayPlan(
      name: "work", backend: Self.backend.address, backendPorts: Self.backend.port...Self.backend.port,
      upstream: .multiplexed(Self.sources), idleTimeout: Self.year, unrepliedTimeout: Self.unrepliedTimeout)
    core = try RelayCore(plan, counters: RelayCounters())
    var number = 0
    while number < sessions {
      let count = min(ReceivedMessages.capacity, sessions - number)
      serve(Self.requests(from: number, clients: count, messages: count))
      number += count
    }
  }

  /// Relays requests, and a reply to each.
  private func serve(_ requests: borrowing ReceivedMessages) {
    core.receiveFromClients(requests, on: listener, now: now)
    core.receiveFromBackend(replies(messages: requests.count), now: now)
  }

  /// So many messages of clients in turn.
  static func requests(from first: Int, clients: Int, messages: Int) -> ReceivedMessages {
    var batch = ReceivedMessages()
    for slot in 0..<messages { batch.append(ReceivedMessage(peer: client(first + slot % clients), length: 64)) }
    return batch
  }

  /// So many replies to those who asked last, in turn.
  func replies(messages: Int) -> ReceivedMessages {
    var batch = ReceivedMessages()
    for slot in 0..<messages {
      let source = core.trains[slot % core.trains.count].source
      batch.append(
        ReceivedMessage(peer: Self.backend, length: 64, destination: Self.sources.first + source, hopLimit: 0))
    }
    return batch
  }
}

/// Whole batches of 64 datagrams through the core, again and again those of the same clients. An operation is a batch.
final class Batches: Work {
  private let scene: Scene
  private let batch: ReceivedMessages
  private let direction: Direction

  /// - Parameter idle: how many sessions there are beside.
  init(_ direction: Direction, clients: Int, idle: Int) throws {
    let scene = try Scene(sessions: idle)
    let requests = Scene.requests(from: idle, clients: clients, messages: ReceivedMessages.capacity)
    scene.core.receiveFromClients(requests, on: listener, now: scene.now)
    let replies = scene.replies(messages: ReceivedMessages.capacity)
    scene.core.receiveFromBackend(replies, now: scene.now)
    self.scene = scene
    self.direction = direction
    switch direction {
    case .toBackend: batch = requests
    case .toClient: batch = replies
    }
  }

  func prepare(_ operations: Int) {}

  func run(_ operations: Int) {
    for _ in 0..<operations {
      scene.now = scene.now + Nanoseconds(1_000)
      switch direction {
      case .toBackend: scene.core.receiveFromClients(batch, on: listener, now: scene.now)
      case .toClient: scene.core.receiveFromBackend(batch, now: scene.now)
      }
    }
  }
}

/// Ends sessions whose time is up, beside those whose time is not.
final class Expiry: Work {
  private let scene: Scene
  private let sessions: Int

  init(sessions: Int) throws {
    scene = try Scene(sessions: sessions)
    self.sessions = sessions
  }

  /// So many clients ask and get no reply. Then time passes; source addresses in quarantine come back, too.
  func prepare(_ operations: Int) {
    for number in 0..<operations {
      scene.core.receiveFromClients(
        Scene.requests(from: sessions + number, clients: 1, messages: 1), on: listener, now: scene.now)
    }
    scene.now = scene.now + SourcePool.standardQuarantine + Scene.unrepliedTimeout
  }

  func run(_ operations: Int) {
    let ended = scene.core.expire(now: scene.now, limit: operations)
    precondition(ended == operations)
  }
}
