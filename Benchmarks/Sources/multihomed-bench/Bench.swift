import ArgumentParser

/// The command line.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "multihomed-bench",
    abstract: "Loads a UDP echo service, or a relay before one, and reports what came back, when, and at what cost.",
    discussion: """
      Closed loop (default): each client has --outstanding requests under way and asks again when a reply comes. \
      Open loop (--rate): requests leave at their own times, and latency counts from when a request was meant to \
      leave, so a stall of the relay is seen in full. One thread; pin it with taskset(1).

        bench-echo 127.0.0.1:5678 &
        multihomed-bench 127.0.0.1:5678 --clients 64 --outstanding 4 --pid service=$!
        multihomed-bench 127.0.0.1:5678 --rate 10000 --duration 10s --json -
        multihomed-bench 127.0.0.1:5678 --sources 10.128.0.0/9 --fresh --window 64
        multihomed-bench 127.0.0.1:5678 --size 1200 --train 32 --offload --outstanding 256

      Exits with 1 when nobody answered. --sources wants the block routed to this host: ip route add local 10.128.0.0/9 dev lo
      """)

  @OptionGroup(title: "Work") var work: WorkOptions
  @OptionGroup(title: "Limits") var limits: LimitOptions
  @OptionGroup(title: "Report") var output: OutputOptions

  func run() throws {
    let plan = try Plan(work, limits)
    let processes = try output.pid.map { try WatchedProcess($0) }
    let progress = Progress(isShown: output.showsProgress)
    let report: Report
    do {
      report = try Measurement(plan, processes, progress).run()
    } catch let failure as GeneratorFailure {
      throw ValidationError(failure.description)
    }
    try output.write(report)
    if report.requests.answeredClients == 0 {
      Output.complain("multihomed-bench: \(report.silence(of: work.targets))")
      throw ExitCode(1)
    }
  }
}

/// What to send.
struct WorkOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Whom to ask; with several, client n asks number n modulo their count.", valueName: "address:port"))
  var targets: [String]

  @Option(help: ArgumentHelp("How many clients.", valueName: "n"))
  var clients: UInt32 = 1

  @Option(help: ArgumentHelp("Closed loop: requests that each client has under way.", valueName: "n"))
  var outstanding: UInt32 = 1

  @Option(
    help: ArgumentHelp(
      "Requests under way over all clients together, each from the next client in turn. (default: as --outstanding "
        + "says; 64 with --fresh, as many as a timeout takes with --rate)", valueName: "n"))
  var window: UInt32?

  @Option(help: ArgumentHelp("Open loop: requests a second.", valueName: "n"))
  var rate: UInt64?

  @Option(help: ArgumentHelp("Bytes of a request, from 24.", valueName: "bytes"))
  var size: UInt32 = 64

  @Option(help: ArgumentHelp("Requests sent in one system call as a UDP_SEGMENT train, up to 64.", valueName: "n"))
  var train: UInt32 = 1

  @Flag(help: "Receive trains, too (UDP_GRO).")
  var offload = false

  @Option(
    help: ArgumentHelp(
      "Clients are the addresses of this block, all through one socket, instead of a socket each.", valueName: "cidr"))
  var sources: String?

  @Option(
    help: ArgumentHelp(
      "The port of all clients of --sources, so that a later run has the same clients. (default: any)",
      valueName: "port"))
  var sourcePort: UInt16?

  @Flag(help: "Every request comes from a new client: the next address of --sources.")
  var fresh = false

  @Flag(help: "Never sleep while waiting; leaves the processor to others in between.")
  var spin = false
}

/// When to end.
struct LimitOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How long to measure, up to 1h.", valueName: "duration"))
  var duration = "5s"

  @Option(help: ArgumentHelp("How long to send before that.", valueName: "duration"))
  var warmup = "500ms"

  @Option(help: ArgumentHelp("The most requests to send, warm-up included.", valueName: "n"))
  var requests: UInt64 = 1_000_000_000

  @Option(help: ArgumentHelp("After so long without a reply, a request is lost.", valueName: "duration"))
  var timeout = "1s"
}
