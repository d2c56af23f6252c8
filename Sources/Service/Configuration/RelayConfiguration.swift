public import Addresses
public import Linux
package import Relay

/// How a relay reaches its backend.
public enum UpstreamChoice: String, CaseIterable, Sendable {
  /// Multiplexed where the backend is an IPv4 loopback address, else connected.
  case auto
  /// One socket per worker, and a source address of its own for every session.
  case multiplexed
  /// One connected socket per session.
  case connected
}

/// One relay: what it listens on, where it sends to, and its limits. A plain value; `validate(_:)` says whether it makes sense.
public struct RelayConfiguration: Sendable {
  /// What the process knows it by: its place in the configuration that it was first in.
  package var id = RelayID(0)
  /// The relay's name in logs and counters.
  public var name = "default"
  /// What it listens on; at least one.
  public var listen: [ListenSpecification]
  /// Where its datagrams go.
  public var backend: BackendSpecification
  /// Which interface addresses are eligible.
  public var filter = AddressFilter()
  /// How long a session that has seen a reply lives without traffic: more than 0, at most a day.
  public var idleTimeout = Nanoseconds.seconds(60)
  /// How long a session without any reply lives without traffic: more than 0, at most a day.
  public var unrepliedTimeout = Nanoseconds.seconds(30)
  /// How many sessions there may be at once: 1 to 16,000,000.
  public var maxSessions = 1_048_576
  /// After how many replies a session ends; 0 is never.
  public var responses: UInt32 = 0
  /// How the backend is reached.
  public var upstream = UpstreamChoice.auto
  /// Where the multiplexed upstream takes its source addresses from; nil is 127.64.0.0/10, or more when `maxSessions` asks for it.
  public var sourcePool: CIDR?

  /// A relay with default limits.
  public init(listen: [ListenSpecification], backend: BackendSpecification) {
    self.listen = listen
    self.backend = backend
  }

  /// How the backend is reached after all: what `auto` means for this backend. Never `auto`.
  public var resolvedUpstream: UpstreamChoice {
    guard upstream == .auto else { return upstream }
    return backend.address.isIPv4 && backend.address.isLoopback ? .multiplexed : .connected
  }
}
