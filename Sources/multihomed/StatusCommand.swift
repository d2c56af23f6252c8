import ArgumentParser
import Linux
import Operator

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Say how the relays that are running on this host are.",
    discussion: """
      Of every process: its relays with their sessions, what they have relayed and dropped, and the listeners that are not \
      up, with the reason. Asks by the process's admin socket, as root or as the process's user.

      Exit status: 0 when all are healthy; 1 when one is not, when none is running or one cannot be asked; 64 usage. With \
      --ready: 0 when the process is ready, otherwise 1.

      Example, for a health check:
        multihomed status --ready --admin /run/multihomed/multihomed/admin.sock
      """)

  @Flag(help: "Answer in JSON: an array with an object for each process; multihomed-status(8) describes it.")
  var json = false

  @Flag(help: "Ask one process alone whether clients should come to it now, and print its word; takes 2s at most.")
  var ready = false

  @OptionGroup
  var instance: InstanceOptions

  func run() throws {
    if ready { return try askWhetherReady() }
    let answer = try Operator.StatusCommand.run(try instance.choice(), isJSON: json)
    try show(answer.lines)
    for failure in answer.failures { StandardError.write(line: "multihomed: error: \(failure)") }
    if !answer.isHealthy { throw ExitCode(1) }
  }

  private func askWhetherReady() throws {
    if json { throw OperatorFailure(contradiction: "--ready and --json contradict each other; give one of them") }
    let (line, isReady) = try ReadyCommand.run(try instance.choice())
    try show([line])
    if !isReady { throw ExitCode(1) }
  }
}

struct SessionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sessions",
    abstract: "List the sessions of a running relay.",
    discussion: """
      A line for each session: who asked which address, for how long, when the last datagram came, datagrams and bytes both \
      ways, whether the service has replied, and as which address or port it sees the client. Without more, the 100 oldest.

      Examples:
        multihomed sessions --order bytes --limit 10
        multihomed sessions --client 192.0.2.0/24 --asked 198.51.100.1
      """)

  @Flag(help: "Answer in JSON: one object, with each session on a line of its own.")
  var json = false

  @Option(help: ArgumentHelp("Those of this relay.", valueName: "NAME"))
  var relay: String?

  @Option(help: ArgumentHelp("Those of these clients.", valueName: "ADDRESS|CIDR|ADDRESS:PORT"))
  var client: String?

  @Option(help: ArgumentHelp("Those who asked there.", valueName: "ADDRESS|CIDR|ADDRESS:PORT"))
  var asked: String?

  @Flag(help: "Those that the service has replied to, or has never replied to.")
  var reply: Reply?

  @Option(
    help: ArgumentHelp(
      "The greatest first: age, time since the last datagram (idle), that time with the shortest first (recent), datagrams or "
        + "bytes. (default: age)", valueName: "age|idle|recent|datagrams|bytes"), completion: .list(SessionOrder.orders)
  )
  var order: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How many, up to 100000; 0 is all. (default: 100)", valueName: "N"))
  var limit: String?

  @Flag(help: "All of them, in no order.")
  var all = false

  @OptionGroup
  var instance: InstanceOptions

  enum Reply: String, EnumerableFlag {
    case replied, unreplied
  }

  func run() throws {
    let order = try SessionOrder(
      relay: relay, client: client, asked: asked, replied: reply.map { $0 == .replied }, order: order, limit: limit,
      isAll: all)
    try Operator.SessionsCommand.run(try instance.choice(), order, isJSON: json, show: showing)
  }
}

struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Watch a running relay on the terminal.",
    discussion: """
      Of each relay what it does in a second, with a picture of the last looks; the listeners that are not up; and the \
      busiest clients. q or Ctrl-C ends it. NO_COLOR is honoured.
      """)

  @Option(help: ArgumentHelp("How often to look, 100ms to 1m. (default: 1s)", valueName: "DURATION"))
  var interval: String?

  @Flag(help: "Print one frame after one interval, without a terminal.")
  var once = false

  @OptionGroup
  var instance: InstanceOptions

  func run() throws {
    let order = try Top.Order(interval: interval, isOnce: once, environment: Environment.variables)
    try Top.run(try instance.choice(), order, show: showing)
  }
}

struct LogLevelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log-level",
    abstract: "Change what a running relay logs.",
    discussion: """
      It holds until the process reads its configuration again (SIGHUP), or ends.

      Example:
        multihomed log-level debug
      """)

  @Argument(
    help: ArgumentHelp(
      "The least severe messages to log: trace, debug, info, notice, warning, error or critical.", valueName: "LEVEL"),
    completion: .list(Operator.LogLevelCommand.levels))
  var level: String

  @OptionGroup
  var instance: InstanceOptions

  func run() throws {
    try show([try Operator.LogLevelCommand.run(try instance.choice(), level: level)])
  }
}
