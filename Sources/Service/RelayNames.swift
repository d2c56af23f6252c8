import Linux
import Relay

/// What relays are called, for whoever hears of them by their identity, on any thread.
final class RelayNames: Sendable {
  private struct State {
    var names: [RelayID: String] = [:]
    /// Those that have ended, the oldest first.
    var ended: [RelayID] = []
  }

  /// So many that have ended are still known: their last sessions are told of a moment later.
  private static let memory = 64

  private let state = Guarded(State())

  /// Says what relays are called.
  func know(_ relays: [RelayConfiguration]) {
    state.withLock { state in for relay in relays { state.names[relay.id] = relay.name } }
  }

  /// A relay has ended: its name is forgotten after a while.
  func end(_ id: RelayID) {
    state.withLock { state in
      state.ended.append(id)
      if state.ended.count > Self.memory { state.names[state.ended.removeFirst()] = nil }
    }
  }

  subscript(id: RelayID) -> String { state.withLock { $0.names[id] } ?? "?" }
}
