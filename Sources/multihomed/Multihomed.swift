import ArgumentParser
import Service

/// The root of the command line.
struct Multihomed: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "multihomed",
    abstract: "Any UDP service answers from the address it was asked on.",
    discussion: """
      A UDP service that is bound to the wildcard address answers from whatever address routing picks. multihomed \
      listens on every address of this host by itself, forwards to the service, and sends each reply from the address \
      that was asked.

      Exit status: 0 done, 64 usage, 78 configuration, 1 anything else.
      """,
    version: Version.current,
    subcommands: [
      DoctorCommand.self, RelayCommand.self, CheckCommand.self, AdoptCommand.self, KernelCommand.self,
      StatusCommand.self,
      SessionsCommand.self, TopCommand.self, LogLevelCommand.self, DemoCommand.self, BrokerCommand.self,
    ])
}
