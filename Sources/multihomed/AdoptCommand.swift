import Adoption
import ArgumentParser
import Service

struct AdoptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "adopt",
    abstract: "Relay beside a running, unmodified service that holds the port by the wildcard address.",
    discussion: """
      Listens on every address that the service serves, beside its own socket, and forwards to it on 127.0.0.1 (or ::1). \
      The service is neither reconfigured nor restarted, and is as it was when this ends. When it dies, its port is free \
      for it at once; when it is back, it is adopted again.

      The service sees its clients as addresses of this host: 127.64.0.0/10, or what --source-pool says.

      A service of the same user can be adopted without rights (where kernel.yama.ptrace_scope is 0), another user's takes \
      CAP_SYS_PTRACE and CAP_SETUID, a port below 1024 CAP_NET_BIND_SERVICE. They are used by a small process of their own, \
      the broker; the one that relays gives all of them up, but for CAP_SYS_NICE in the thread that frees the port when \
      the service dies.

      Example:
        multihomed adopt 5678
      """)

  @Argument(help: ArgumentHelp("The service's port, 1 to 65535.", valueName: "PORT"))
  // Required, which is checked later: the parser's own words show no example.
  var port: String?

  @Flag(help: "Wait for the service if it is not running yet.")
  var wait = false

  @OptionGroup(title: "Which addresses to listen on")
  var filter: FilterOptions

  @OptionGroup(title: "Sessions")
  var sessions: SessionOptions

  @OptionGroup(title: "Process")
  var process: ProcessOptions

  // What people type who know the relay.
  @OptionGroup(visibility: .private)
  var route: RouteOptions

  @OptionGroup(visibility: .private)
  var loopback: LoopbackOption

  func run() throws {
    let options = together(filter.values, sessions.values, process.values)
    let status = try Adoption.run(Adoption.Order(port: try givenPort(), waits: wait, options: options))
    if status != 0 { throw ExitCode(status) }
  }

  private func givenPort() throws(ConfigurationError) -> UInt16 {
    if !route.listen.isEmpty || !route.backend.isEmpty || loopback.loopback {
      throw .usage(
        "what to listen on and the backend follow from the service; give its port alone, as in: multihomed adopt 5678")
    }
    guard let port else { throw .usage("which service? give its port, as in: multihomed adopt 5678") }
    guard let number = Port(argument: port)?.number else {
      throw .usage("'\(port)' is not a port to adopt; give one number from 1 to 65535, as in: multihomed adopt 5678")
    }
    return number
  }
}

/// What `adopt` starts, with the rights that it has itself.
struct BrokerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: Broker.verb, shouldDisplay: false)

  @Argument var port: Port

  func run() throws { throw ExitCode(Broker.run(port: port.number)) }
}
