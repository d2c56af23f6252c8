import ArgumentParser
import Doctor
import KernelRule

extension DoctorFailure: Complaint {}

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say which UDP services of this host answer from the wrong address.",
    discussion: """
      Looks at every UDP socket that is bound to the wildcard address, and asks the kernel from which address it would \
      answer each kind of client: those of each connected subnet, of each router, of the default route, and those given \
      by --client. A service that asks which address was asked (IP_PKTINFO) is healthy. Nothing is changed, and without \
      --probe nothing is sent.

      As root it looks into containers and other network namespaces, too. Anyone else sees this namespace, and the \
      settings of their own services only; the report says what is missing. Sockets that are most likely clients' own, by \
      their ports, are left out and named: --all or PORT judges them.

      Exit status: 0 when every service is healthy; 1 when one is faulty or may be, or when it cannot look; 64 usage.
      """)

  @Argument(help: ArgumentHelp("Look at this port only, whatever is bound to it.", valueName: "PORT"))
  var port: String?

  @Flag(help: "Judge every socket, also those on clients' ports, and those that are bound to one address.")
  var all = false

  @Flag(help: "Answer in JSON; multihomed-doctor(8) describes it.")
  var json = false

  @Flag(help: "Look at this network namespace only, and not into containers.")
  var here = false

  @Flag(
    help: ArgumentHelp(
      "Prove it: ask each service on the wildcard, or with PORT whatever is bound to it, at every address, and show what "
        + "passes. A wrong answer overrides the verdict.",
      discussion: """
        The client is a network namespace of its own, with an interface mh-probe… on the host while it asks, and an \
        unused address of 198.18.0.0/16 or 2001:2::/48 (RFC 2544, RFC 5180); no address is added to the host. The \
        question is one that a service of that port answers, and changes nothing. Needs CAP_SYS_ADMIN, CAP_NET_ADMIN, \
        CAP_NET_RAW and ip (Debian: iproute2).
        """))
  var probe = false

  @Option(help: ArgumentHelp("A client to look at beside; may be repeated.", valueName: "ADDRESS"))
  var client: [String] = []

  func run() throws {
    var order = try Doctor.Order(port: port, clients: client)
    order.showsAll = all
    order.isJSON = json
    order.probes = probe
    order.isHereOnly = here
    order.mendedPorts = { KernelRule.portsInForce() }
    let outcome = try Doctor.run(order)
    try show(outcome.lines)
    if let failure = outcome.failure { throw failure }
    if outcome.exitCode != 0 { throw ExitCode(outcome.exitCode) }
  }
}
