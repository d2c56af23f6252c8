/// Why a datagram was received but not sent on. The metrics' label is `label`; the list in the documentation is this one.
public enum DropReason: Int, CaseIterable, Sendable {
  /// The kernel had to cut it, or its control messages.
  case truncated
  /// It came from port 0: nobody can answer it.
  case sourcePortZero
  /// It came from a broadcast address, or from 240.0.0.0/4: nobody can answer it.
  case invalidSource
  /// It came from one of our own upstream sockets: a loop.
  case ownUpstream
  /// Its hop limit was used up: a loop of relays.
  case hopLimit
  /// Longer than 65,507 bytes, from an IPv6 client towards an IPv4 backend or the reverse.
  case tooLarge
  /// The session table is full of sessions that work.
  case tableFull
  /// Every source address of the multiplexing upstream is in use or in quarantine.
  case sourcesExhausted
  /// No socket towards the backend could be opened.
  case upstreamUnavailable
  /// A new client while we drain.
  case draining
  /// The listener's address is gone.
  case addressRemoved
  /// A reply whose session has ended.
  case lateReply
  /// A reply that did not come from the backend's address and port.
  case unexpectedSource

  /// The name in metrics.
  public var label: String {
    switch self {
    case .truncated: "truncated"
    case .sourcePortZero: "source_port_zero"
    case .invalidSource: "invalid_source"
    case .ownUpstream: "own_upstream"
    case .hopLimit: "hop_limit"
    case .tooLarge: "too_large"
    case .tableFull: "table_full"
    case .sourcesExhausted: "sources_exhausted"
    case .upstreamUnavailable: "upstream_unavailable"
    case .draining: "draining"
    case .addressRemoved: "address_removed"
    case .lateReply: "late_reply"
    case .unexpectedSource: "unexpected_source"
    }
  }
}

/// Why a session ended.
public enum EndReason: Int, CaseIterable, BitwiseCopyable, Sendable {
  /// No datagram in either direction for the idle timeout.
  case idle
  /// Never answered within the unreplied timeout.
  case unreplied
  /// Unreplied, and the table was full.
  case evicted
  /// As many replies as were asked for.
  case responses
  /// Its listener's address did not come back.
  case addressRemoved
  /// The service beside which its listener was has left its port.
  case serviceGone
  /// The configuration has taken its listener away, or given the relay another backend.
  case reconfigured
  /// No socket towards the backend could be opened.
  case upstreamUnavailable

  /// The name in metrics.
  public var label: String {
    switch self {
    case .idle: "idle"
    case .unreplied: "unreplied"
    case .evicted: "evicted"
    case .responses: "responses"
    case .addressRemoved: "address_removed"
    case .serviceGone: "service_gone"
    case .reconfigured: "reconfigured"
    case .upstreamUnavailable: "upstream_unavailable"
    }
  }
}

/// Which way a datagram goes.
public enum Direction: Int, CaseIterable, Sendable {
  /// From a client.
  case toBackend
  /// From the backend.
  case toClient

  /// The name in metrics.
  public var label: String { self == .toBackend ? "to_backend" : "to_client" }
}
