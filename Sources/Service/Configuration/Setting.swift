/// Everything that can be set from outside. The raw value is the long option's name, without its dashes.
public enum Setting: String, CaseIterable, Sendable {
  // Of a relay.
  case listen, backend
  case interface, address
  case ipv4Only = "ipv4-only"
  case ipv6Only = "ipv6-only"
  case loopback
  case upstream
  case sourcePool = "source-pool"
  case idleTimeout = "idle-timeout"
  case unrepliedTimeout = "unreplied-timeout"
  case maxSessions = "max-sessions"
  case responses
  // Of the process.
  case workers
  case busyPoll = "busy-poll"
  case drainLimit = "drain-limit"
  case logLevel = "log-level"
  case logFormat = "log-format"
  case sessionLog = "session-log"
  case metrics
  case receiveBuffer = "receive-buffer"
  case admin

  /// `--max-sessions`
  public var option: String { "--" + rawValue }

  /// `MULTIHOMED_MAX_SESSIONS`
  public var variable: String {
    "MULTIHOMED_" + String(rawValue.map { $0 == "-" ? "_" : Character($0.uppercased()) })
  }

  /// The table of a configuration file that it stands in, where that is neither the file's own nor a relay's: `metrics`, `admin`.
  public var table: String? {
    switch self {
    case .metrics, .admin: rawValue
    default: nil
    }
  }

  /// Its key in a configuration file; in the plural where it holds several: `interfaces`.
  public var key: String {
    switch self {
    case .interface: "interfaces"
    case .address: "addresses"
    case .metrics, .admin: "listen"
    default: rawValue
    }
  }

  /// What to call it where a file is spoken of: its key, with its table's name where it has one, as in `metrics.listen`.
  var nameInFile: String { table.map { "\($0).\(key)" } ?? key }

  /// Whether it is the process's; otherwise each relay has its own.
  public var isOfProcess: Bool {
    switch self {
    case .workers, .busyPoll, .drainLimit, .logLevel, .logFormat, .sessionLog, .metrics, .receiveBuffer, .admin: true
    default: false
    }
  }

  /// Whether an option may be repeated, and a variable holds values with commas between them.
  var isRepeatable: Bool {
    switch self {
    case .listen, .interface, .address, .metrics: true
    default: false
    }
  }

  /// IPv4 alone and IPv6 alone are one choice: given one on the command line, the environment has no say in the other.
  var sameChoice: [Setting] {
    switch self {
    case .ipv4Only, .ipv6Only: [.ipv4Only, .ipv6Only]
    default: [self]
    }
  }
}
