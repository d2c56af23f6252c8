public import Linux
public import Logging
import Relay

/// How many workers serve.
public enum WorkerCount: Hashable, Sendable {
  /// So many: 1 to 256.
  case count(Int)
  /// As many as there are processors online.
  case auto

  /// The most there may be.
  public static let limit = 256

  /// The number, given how many processors are online.
  public func resolved(processors: Int = Processors.online) -> Int {
    switch self {
    case .count(let count): count
    case .auto: min(max(processors, 1), Self.limit)
    }
  }
}

/// How a line of the log is written.
public enum LogFormat: String, CaseIterable, Sendable {
  /// For people: time, level, message, key=value.
  case text
  /// One JSON object.
  case json
}

/// Everything that one process is told.
public struct ProcessConfiguration: Sendable {
  /// Its relays; at least one. Each has a name of its own.
  public var relays: [RelayConfiguration]
  /// How many workers serve them.
  public var workers = WorkerCount.count(1)
  /// For how long a worker looks for more after each datagram before it sleeps: 0 to a second.
  public var busyPoll = Nanoseconds.zero
  /// The least severe level that is logged.
  public var logLevel = Logger.Level.info
  /// How a line of the log is written.
  public var logFormat = LogFormat.text
  /// Where a line is written for each session that has ended; nil: nowhere.
  package var sessionLog: SessionLogDestination?
  /// Where metrics are served; nowhere when there is none. Each once.
  package var metrics: [ListeningSocket.Place] = []
  /// How many bytes the receive queues of all sockets hold: 0 for as many as the system gives, or 4 KiB to 1 GiB; nil for the
  /// usual 4 MiB of listeners and multiplexed upstreams, as far as we may, and what the system gives of others.
  public var receiveBuffer: Int?
  /// Where the process can be asked about itself.
  package var admin = AdminPlace.usual
  /// The file that it was read from; nil for none.
  package var file: String?
  /// How long replies are still relayed after SIGTERM or SIGINT: 0 to a day.
  public var drainLimit = Nanoseconds.seconds(10)

  /// A process with one worker that logs from `info` on.
  public init(relays: [RelayConfiguration]) {
    self.relays = relays
    for number in relays.indices { self.relays[number].id = RelayID(number) }
  }
}
