import ArgumentParser
import Doctor

extension DoctorFailure: Complaint {}

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say which UDP services of this host answer from the wrong address.",
    discussion: """
      Looks at every UDP socket that is bound to the wildcard address, and asks the kernel from which address it would \
      answer each kind of client: those of each connected subnet, of each router, of the default route, and those given \
      by --client. A service that asks which address was asked (IP_PKTINFO) is healthy. Nothing is changed, and nothing \
      is sent.

      As root it looks into containers and other network namespaces, too. Anyone else sees this namespace, and the \
      settings of their own services only; the report says what is missing.

      Exit status: 0 when every service is healthy; 1 when one is faulty or may be, or when it cannot look; 64 usage.
      """)

  @Argument(help: ArgumentHelp("Look at this port only, whatever is bound to it.", valueName: "PORT"))
  var port: String?

  @Flag(help: "Answer in JSON; multihomed-doctor(8) describes it.")
  var json = false

  @Option(help: ArgumentHelp("A client to look at beside; may be repeated.", valueName: "ADDRESS"))
  var client: [String] = []

  func run() throws {
    let order = try Doctor.Order(port: port, clients: client, isJSON: json, probes: false)
    let status = try Doctor.run(order)
    if status != 0 { throw ExitCode(status) }
  }
}
