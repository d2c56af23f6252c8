import Support
import Testing

/// A way to get it wrong, and the whole answer.
struct BadInput: Sendable, CustomTestStringConvertible {
  let arguments: String
  let environment: [String: String]
  let answer: String

  init(_ arguments: String, _ environment: [String: String] = [:], answer: String) {
    self.arguments = arguments
    self.environment = environment
    self.answer = answer
  }

  var testDescription: String { environment.map { "\($0)=\($1) " }.joined() + arguments }
}

@Suite struct BadInputTests {
  private static let example = "for example: multihomed relay --listen 5678 --backend 127.0.0.1:5678"
  private static let port = "is not a port; give a number from 1 to 65535"
  private static let relayHelp = "see multihomed relay --help"
  private static let commands =
    "give one of doctor, relay, check, adopt, kernel, status, sessions, top, log-level and "
    + "demo; see multihomed --help"
  private static let kernelCommands = "give one of apply, remove and show; see multihomed kernel --help"
  private static let duration = "is not a duration; give a whole number and its unit: 50us, 500ms, 30s, 5m or 1h"

  @Test(arguments: [
    BadInput("relay", answer: "--listen and --backend are missing; \(example)"),
    BadInput("relay --listen 5678", answer: "--backend is missing; \(example)"),
    BadInput("relay --backend echo", answer: "--listen is missing; \(example)"),
    BadInput("relay --listen 70000 --backend echo", answer: "--listen: '70000' \(port)"),
    BadInput("relay --listen 0 --backend echo", answer: "--listen: '0' \(port)"),
    BadInput("relay --listen dns --backend echo", answer: "--listen: 'dns' \(port)"),
    BadInput(
      "relay --listen 10-5 --backend echo",
      answer: "--listen: the range 10-5 is empty; write the lower port first: 5-10"),
    BadInput(
      "relay --listen 53 --backend 0.0.0.0:5353",
      answer: "--backend 0.0.0.0:5353 is the wildcard address, to which nothing can be sent; give the address at which "
        + "the service is reached, as in 127.0.0.1:5353"),
    BadInput(
      "relay --listen 53 --backend [::]:5353",
      answer:
        "--backend [::]:5353 is the wildcard address, to which nothing can be sent; give the address at which the "
        + "service is reached, as in [::1]:5353"),
    BadInput(
      "relay --listen 53 --backend ::1:5353",
      answer: "--backend: an IPv6 address before a port stands in brackets: [::1]"),
    BadInput(
      "relay --listen 53 --backend localhost:5353",
      answer: "--backend: 'localhost' is not an address; give 192.0.2.1 or [2001:db8::1], not a host name"),
    BadInput(
      "relay --listen 53 --backend 5353",
      answer: "--backend: '5353' is not a backend; give ADDRESS:PORT, as in 127.0.0.1:15678, or echo"),
    BadInput(
      "relay --listen 127.0.0.1:53 --backend 127.0.0.1:53",
      answer:
        "--backend 127.0.0.1:53 is what this relay itself listens on; move the service to another address or port "
        + "and give that to --backend"),
  ])
  func aWrongRouteIsAnsweredInOneLine(_ input: BadInput) throws { try answers(input) }

  @Test(arguments: [
    BadInput(
      "relay --listen 53 --backend echo --address 10.0.0.1/8",
      answer: "--address: 10.0.0.1/8 has bits set beyond its length; did you mean 10.0.0.0/8?"),
    BadInput(
      "relay --listen 53 --backend echo --address !10.0.0.0/33",
      answer: "--address: '!10.0.0.0/33' is not an address or block; give 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32, or "
        + "! before it"),
    BadInput(
      "relay --listen 53 --backend echo --interface !",
      answer: "--interface: '!' is not a pattern for interfaces; give a name or a pattern, as in eth0, 'eth*' or "
        + "'!veth*'"),
    BadInput(
      "relay --listen 53 --backend echo --ipv4-only --ipv6-only",
      answer: "--ipv4-only and --ipv6-only contradict each other; give one of them, or none for both families"),
    BadInput(
      "relay --listen [::1]:53 --backend echo --ipv4-only",
      answer: "--listen [::1]:53 and --ipv4-only contradict each other; leave one of them out"),
    BadInput(
      "relay --listen 53 --listen 50-60 --backend echo",
      answer: "--listen 53 and --listen 50-60 overlap; name every port once"),
    BadInput(
      "relay --listen 53 --backend [::1]:5353 --upstream multiplexed",
      answer: "--upstream multiplexed needs a backend in 127.0.0.0/8, and [::1]:5353 is not; leave --upstream at auto"),
    BadInput(
      "relay --listen 53 --backend echo --upstream fast",
      answer: "--upstream: 'fast' is not one of the choices; give one of auto, multiplexed, connected"),
    BadInput("relay --listen 53 --backend echo --idle-timeout 60", answer: "--idle-timeout: '60' \(duration)"),
    BadInput("relay --listen 53 --backend echo --drain-limit 1.5s", answer: "--drain-limit: '1.5s' \(duration)"),
    BadInput(
      "relay --listen 53 --backend echo --source-pool lo",
      answer: "--source-pool: 'lo' is not an address or block; give 127.64.0.0/10"),
    BadInput("relay --listen 53 --backend echo --busy-poll 50", answer: "--busy-poll: '50' \(duration)"),
    BadInput(
      "relay --listen 53 --backend echo --max-sessions 0",
      answer: "--max-sessions 0 is out of range; give 1 to 16000000"),
    BadInput(
      "relay --listen 53 --backend echo --responses many",
      answer: "--responses: 'many' is not a number in range; give a whole number, as in 1000"),
    BadInput(
      "relay --listen 53 --backend echo --workers none",
      answer: "--workers: 'none' is not a number of workers; give 1 to 256, or auto"),
    BadInput(
      "relay --listen 53 --backend echo --log-level loud",
      answer: "--log-level: 'loud' is not one of the choices; give one of trace, debug, info, notice, warning, error, "
        + "critical"),
  ])
  func aWrongOptionIsAnsweredInOneLine(_ input: BadInput) throws { try answers(input) }

  @Test(arguments: [
    BadInput(
      "relay --lisen 53", answer: "unknown option '--lisen'. Did you mean '--listen'? See multihomed relay --help"),
    BadInput(
      "relay --listen 53 --backend echo --backend 127.0.0.1:53",
      answer: "--backend is given 2 times; give it once, and run a process for each service"),
    BadInput("relay --bogus", answer: "unknown option '--bogus'; \(relayHelp)"),
    BadInput("relay 53", answer: "unexpected argument '53'; \(relayHelp)"),
    BadInput(
      "relay --backend",
      answer: "missing value for '--backend <ADDRESS:PORT|ADDRESS:LOW-HIGH|echo>'; \(relayHelp)"),
    BadInput(
      "relay --loopback=yes",
      answer: "the option '--loopback' does not take any value, but 'yes' was specified; \(relayHelp)"),
    BadInput(
      "status --pid -1", answer: "--pid '-1' is no process number; give one above 0, as told by: multihomed status"),
    BadInput(
      "sessions --limit -1", answer: "--limit '-1' is out of range; give 1 to 100000, or 0 for all"),
    BadInput("status --ready --json", answer: "--ready and --json contradict each other; give one of them"),
    BadInput("rely", answer: "'rely' is not a command of multihomed; \(commands)"),
    BadInput("5678 relay", answer: "'5678' is not a command of multihomed; \(commands)"),
    BadInput("", answer: "multihomed needs a command; \(commands)"),
    BadInput("--bogus", answer: "unknown option '--bogus'; see multihomed --help"),
    BadInput("help --bogus", answer: "unknown option '--bogus'; see multihomed --help"),
  ])
  func whatIsNoOptionOfOursIsAnsweredInOneLine(_ input: BadInput) throws { try answers(input) }

  @Test(arguments: [
    BadInput("kernel apply 0", answer: "'0' \(port)"),
    BadInput("kernel apply 53 dns", answer: "'dns' \(port)"),
    BadInput("kernel remove 5000-5010", answer: "'5000-5010' \(port)"),
    BadInput("kernel apply", answer: "missing expected argument '<PORT> ...'; see multihomed kernel apply --help"),
    BadInput("kernel remove --all 53", answer: "unknown option '--all'; see multihomed kernel remove --help"),
    BadInput("kernel show 53", answer: "unexpected argument '53'; see multihomed kernel show --help"),
    BadInput("kernel --json show", answer: "unknown option '--json'; see multihomed kernel --help"),
    BadInput("kernel drop 53", answer: "'drop' is not a command of multihomed kernel; \(kernelCommands)"),
    BadInput("kernel help", answer: "'help' is not a command of multihomed kernel; \(kernelCommands)"),
    BadInput("kernel", answer: "multihomed kernel needs a command; \(kernelCommands)"),
    BadInput(
      "kernel apply " + (1...65).map(String.init).joined(separator: " "),
      answer: "65 ports are given, and the kernel's rule has room for 64; for a range of ports use multihomed relay "
        + "--listen LOW-HIGH --backend ADDRESS:LOW-HIGH"),
    BadInput(
      "kernel apply 53 --clients 0", answer: "--clients: '0' is out of range; give a whole number from 1 to 1000000"),
    BadInput("kernel apply 53 --timeout 1s", answer: "--timeout: 1s is out of range; give 2s to 24h"),
    BadInput(
      "kernel apply 53 --timeout 60",
      answer: "--timeout: '60' is not a duration; give a whole number and its unit: 30s, 5m or 1h"),
  ])
  func aWrongRequestToTheKernelIsAnsweredInOneLine(_ input: BadInput) throws { try answers(input) }

  @Test(arguments: [
    BadInput(
      "relay --backend echo", ["MULTIHOMED_LISTEN": "53,70000"], answer: "MULTIHOMED_LISTEN: '70000' \(port)"),
    BadInput(
      "relay --listen 53 --backend echo", ["MULTIHOMED_MAX_SESSIONS": "0"],
      answer: "MULTIHOMED_MAX_SESSIONS 0 is out of range; give 1 to 16000000"),
    BadInput(
      "relay --listen 53 --backend echo", ["MULTIHOMED_LOOPBACK": "ja"],
      answer: "MULTIHOMED_LOOPBACK: 'ja' is neither true nor false; give true, 1 or yes, or false, 0 or no"),
  ])
  func aWrongVariableIsNamed(_ input: BadInput) throws { try answers(input) }

  @Test func helpAndVersionAreNoMistakes() throws {
    let version = try Program.run(["--version"])
    #expect(version.exit == .status(0))
    #expect(version.output == "0.1.0")
    for (arguments, start) in [
      (["--help"], "OVERVIEW: Any UDP service answers"), (["help"], "OVERVIEW: Any UDP service answers"),
      (["relay", "--help"], "OVERVIEW: Listen on every address of this host"),
      (["kernel", "--help"], "OVERVIEW: Let the kernel mend"), (["help", "kernel"], "OVERVIEW: Let the kernel mend"),
    ] {
      let help = try Program.run(arguments)
      #expect(help.exit == .status(0))
      #expect(help.output.hasPrefix(start))
      #expect(help.error.isEmpty)
    }
  }

  @Test func helpNamesEverySignalAndExplainsAFileWhereItIsGiven() throws {
    let relay = try Program.run(["relay", "--help"]).output
    for signal in ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"] { #expect(relay.contains(signal)) }
    #expect(try !Program.run(["check", "--help"]).output.contains("Process"))
  }

  private func answers(_ input: BadInput) throws {
    let program = try Program.run(
      input.arguments.split(separator: " ").map(String.init), environment: input.environment)
    #expect(program.error == "multihomed: error: \(input.answer)")
    #expect(program.output.isEmpty)
    #expect(program.exit == .status(64))
  }
}
