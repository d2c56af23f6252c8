/// Everything that can be set from outside. The raw value is the long option's name, without its dashes.
public enum Setting: String, CaseIterable, Sendable {
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
  case responses, workers
  case busyPoll = "busy-poll"
  case drainLimit = "drain-limit"
  case logLevel = "log-level"
  case logFormat = "log-format"

  /// `--max-sessions`
  public var option: String { "--" + rawValue }

  /// `MULTIHOMED_MAX_SESSIONS`
  public var variable: String {
    "MULTIHOMED_" + String(rawValue.map { $0 == "-" ? "_" : Character($0.uppercased()) })
  }

  /// Whether an option may be repeated, and a variable holds values with commas between them.
  var isRepeatable: Bool {
    switch self {
    case .listen, .interface, .address: true
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

/// What was set from outside, still as text: from the command line, or where that is silent from the environment.
public struct Settings: Sendable {
  private let commandLine: [Setting: [String]]
  private let environment: [String: String]

  /// Puts the two sources together.
  ///
  /// - Parameters:
  ///   - commandLine: The values of the options that were given; a flag that was given has the value `true`.
  ///   - environment: Every variable of the environment. One that is empty counts as not set.
  public init(commandLine: [Setting: [String]], environment: [String: String]) {
    self.commandLine = commandLine.filter { !$0.value.isEmpty }
    self.environment = environment
  }

  /// The last value, read by `parse`; nil when there is none. What is wrong with it is told with where it stands.
  func value<Value>(
    _ setting: Setting, _ parse: (String) throws(ConfigurationError) -> Value
  ) throws(ConfigurationError) -> Value? {
    try values(setting, parse).last
  }

  /// All values, read by `parse`.
  func values<Value>(
    _ setting: Setting, _ parse: (String) throws(ConfigurationError) -> Value
  ) throws(ConfigurationError) -> [Value] {
    do throws(ConfigurationError) {
      var values: [Value] = []
      for text in texts(setting) { values.append(try parse(text)) }
      return values
    } catch {
      throw error.found(at: name(setting))
    }
  }

  /// How many values there are.
  func count(_ setting: Setting) -> Int { texts(setting).count }

  /// Whether a flag is set.
  func flag(_ setting: Setting) throws(ConfigurationError) -> Bool {
    try value(setting) { text throws(ConfigurationError) in
      switch text.lowercased() {
      case "true", "1", "yes", "on": true
      case "false", "0", "no", "off": false
      default: throw .usage("'\(text)' is neither true nor false; give true, 1 or yes, or false, 0 or no")
      }
    } ?? false
  }

  /// What a person calls this setting who set it where it was set: the option or the variable.
  func name(_ setting: Setting) -> String { isFromEnvironment(setting) ? setting.variable : setting.option }

  /// The same error in terms of where the settings came from.
  func inTheirTerms(_ error: ConfigurationError) -> ConfigurationError {
    var terms: [String: String] = [:]
    for setting in Setting.allCases where isFromEnvironment(setting) { terms[setting.option] = setting.variable }
    let words = error.message.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    return ConfigurationError(kind: error.kind, message: words.map { terms[$0] ?? $0 }.joined(separator: " "))
  }

  private func isFromEnvironment(_ setting: Setting) -> Bool {
    setting.sameChoice.allSatisfy { commandLine[$0] == nil } && environment[setting.variable, default: ""] != ""
  }

  private func texts(_ setting: Setting) -> [String] {
    guard isFromEnvironment(setting), let text = environment[setting.variable] else {
      return commandLine[setting] ?? []
    }
    return setting.isRepeatable
      ? text.split(separator: ",", omittingEmptySubsequences: false).map { String($0.filter { $0 != " " }) } : [text]
  }
}
