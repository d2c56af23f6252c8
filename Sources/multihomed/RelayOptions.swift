import ArgumentParser
import Operator
import Service

// Every value stays text here: Service reads it, so that the command line, the environment and whatever else may set it
// are read by the same rules.

struct RouteOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("What to listen on; required, may be repeated.", valueName: "PORT|LOW-HIGH|ADDRESS:PORT"))
  var listen: [String] = []

  @Option(
    help: ArgumentHelp(
      "The service to forward to, or echo for a built-in one; required. A port range is mapped one to one to that of "
        + "--listen.", valueName: "ADDRESS:PORT|ADDRESS:LOW-HIGH|echo"))
  // Once only, which is checked later: the parser would take the last without a word.
  var backend: [String] = []

  var values: [Setting: [String]] { [.listen: listen, .backend: backend] }
}

struct FilterOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Listen on interfaces whose name matches, as in 'eth*'; with ! before it, not on these. May be repeated. "
        + "(default: every interface)", valueName: "GLOB"))
  var interface: [String] = []

  @Option(
    help: ArgumentHelp(
      "Listen on addresses in this block; with ! before it, not on these. May be repeated. (default: every address)",
      valueName: "CIDR"))
  var address: [String] = []

  @Flag(name: .customLong("ipv4-only"), help: "Listen on IPv4 addresses only.")
  var ipv4Only = false

  @Flag(name: .customLong("ipv6-only"), help: "Listen on IPv6 addresses only.")
  var ipv6Only = false

  var values: [Setting: [String]] {
    [
      .interface: interface, .address: address, .ipv4Only: given(ipv4Only), .ipv6Only: given(ipv6Only),
    ]
  }
}

struct LoopbackOption: ParsableArguments {
  @Flag(
    help:
      "Do not leave out the addresses of lo: 127.0.0.1, ::1 and others. --interface and --address hold for them, too.")
  var loopback = false

  var values: [Setting: [String]] { [.loopback: given(loopback)] }
}

/// What some groups of options say together; no option is in two of them.
func together(_ groups: [Setting: [String]]...) -> [Setting: [String]] {
  groups.reduce(into: [:]) { all, some in all.merge(some) { _, new in new } }
}

private func given(_ flag: Bool) -> [String] { flag ? ["true"] : [] }

struct SessionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("End a session after this time without traffic. (default: 60s)", valueName: "DURATION"))
  var idleTimeout: String?

  @Option(
    help: ArgumentHelp("The same while the service has never replied. (default: 30s)", valueName: "DURATION"))
  var unrepliedTimeout: String?

  @Option(help: ArgumentHelp("The most sessions at once, up to 16000000. (default: 1048576)", valueName: "N"))
  var maxSessions: String?

  @Option(help: ArgumentHelp("End a session after so many replies; 0 is never. (default: 0)", valueName: "N"))
  var responses: String?

  @Option(
    help: ArgumentHelp(
      "How to reach the service: one socket with a source address for each session (multiplexed; for a backend in "
        + "127.0.0.0/8), or one socket for each session (connected). (default: auto)",
      valueName: "auto|multiplexed|connected"), completion: .list(["auto", "multiplexed", "connected"]))
  var upstream: String?

  @Option(
    help: ArgumentHelp(
      "Where the multiplexed upstream takes its source addresses from: what the service sees its clients as. (default: "
        + "127.64.0.0/10)", valueName: "CIDR"))
  var sourcePool: String?

  var values: [Setting: [String]] {
    [
      .idleTimeout: idleTimeout, .unrepliedTimeout: unrepliedTimeout, .maxSessions: maxSessions,
      .responses: responses, .upstream: upstream, .sourcePool: sourcePool,
    ].mapValues { [$0].compactMap(\.self) }
  }
}

struct ProcessOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How many threads serve, up to 256. (default: 1)", valueName: "N|auto"))
  var workers: String?

  @Option(
    help: ArgumentHelp(
      "After each datagram, look for more so long before sleeping: replies come sooner, at the cost of a processor for "
        + "each worker that is in use; at most 1s. (default: 0s, not at all)", valueName: "DURATION"))
  var busyPoll: String?

  @Option(
    help: ArgumentHelp(
      "How long replies are still relayed after SIGTERM or SIGINT. (default: 10s)", valueName: "DURATION"))
  var drainLimit: String?

  @Option(
    help: ArgumentHelp(
      "The least severe messages to log. (default: info)",
      valueName: "trace|debug|info|notice|warning|error|critical"), completion: .list(Operator.LogLevelCommand.levels))
  var logLevel: String?

  @Option(
    help: ArgumentHelp("How to log to standard error. (default: text)", valueName: "text|json"),
    completion: .list(["text", "json"]))
  var logFormat: String?

  @Option(
    help: ArgumentHelp(
      "Write a line for each session that has ended to a file, or to standard error. (default: nowhere)",
      valueName: "FILE|-"), completion: .file())
  var sessionLog: String?

  @Option(
    help: ArgumentHelp(
      "Serve metrics for Prometheus, /healthz and /readyz by HTTP, see multihomed-metrics(7). May be repeated. (default: "
        + "nowhere)", valueName: "ADDRESS:PORT|unix:/PATH"))
  var metrics: [String] = []

  @Option(
    help: ArgumentHelp(
      "The Unix socket by which status, sessions, top and log-level ask. (default: admin.sock in $RUNTIME_DIRECTORY, else "
        + "PID.sock in /run/multihomed or $XDG_RUNTIME_DIR/multihomed)", valueName: "PATH|none"), completion: .file())
  var admin: String?

  @Option(
    help: ArgumentHelp(
      "How much the receive queues of all sockets hold, 4KiB to 1GiB, as far as the kernel lets us; 0 is what the system "
        + "gives. (default: 4MiB of listeners and the multiplexed upstream)", valueName: "SIZE"))
  var receiveBuffer: String?

  var values: [Setting: [String]] {
    let single: [Setting: String?] = [
      .sessionLog: sessionLog,
      .receiveBuffer: receiveBuffer, .admin: admin,
      .workers: workers, .busyPoll: busyPoll, .drainLimit: drainLimit, .logLevel: logLevel, .logFormat: logFormat,
    ]
    return together(single.mapValues { [$0].compactMap(\.self) }, [.metrics: metrics])
  }
}
