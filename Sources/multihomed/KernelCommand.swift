import ArgumentParser
import KernelRule
import Linux

extension KernelRuleError: Complaint {}

struct KernelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernel",
    abstract: "Let the kernel mend the replies of a running service, without a relay.",
    discussion: """
      One nftables table remembers for each client which address it asked, and gives the service's replies that source. \
      The service stays as it is and sees its real clients. Needs nft (Debian: nftables) and CAP_NET_ADMIN; holds for the \
      network namespace that it is typed in, until a reboot or until somebody flushes the ruleset.

      Who asks two addresses from one port is answered from the last one asked; for both at once, use multihomed relay.

      Examples:
        multihomed kernel apply 5678
        multihomed kernel show
        multihomed kernel remove 5678
      """,
    subcommands: [KernelApplyCommand.self, KernelRemoveCommand.self, KernelShowCommand.self])
}

struct KernelApplyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Mend the replies of the services on these UDP ports, beside those that are.")

  @Argument(help: ArgumentHelp("The services' UDP ports, 64 at most.", valueName: "PORT"))
  var ports: [String]

  @Option(
    help: ArgumentHelp(
      "How many clients of each family to remember, up to 1000000. Another number than before forgets all of them. "
        + "(default: 65536, or as it is)", valueName: "N"))
  var clients: String?

  @Option(
    help: ArgumentHelp(
      "How long to remember a client after its last datagram or the service's last to it, 2s to 24h. Another time than "
        + "before forgets all clients. (default: 60s, or as it is)", valueName: "DURATION"))
  var timeout: String?

  @Flag(help: "Change nothing; print the script for nft, with these ports only, to be kept in a file.")
  var print = false

  func run() throws {
    let request = try RuleRequest(ports: ports, clients: clients, timeout: timeout)
    if print {
      try write(script: try KernelRule.script(request))
    } else {
      tell(try KernelRule.apply(request))
    }
  }

  /// A part of a script would be another script.
  private func write(script: String) throws(KernelRuleError) {
    do throws(Errno) {
      try StandardOutput.write(whole: script.hasSuffix("\n") ? String(script.dropLast()) : script)
    } catch {
      throw KernelRuleError(.process, "cannot write the script: \(error)")
    }
  }
}

private func tell(_ answer: RuleAnswer) {
  for line in answer.lines { StandardOutput.write(line: line) }
  for note in answer.notes { StandardError.write(line: "multihomed: \(note)") }
}

struct KernelRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Leave the replies of the services on these UDP ports as they are.")

  @Argument(help: ArgumentHelp("The services' UDP ports.", valueName: "PORT"))
  var ports: [String]

  func run() throws {
    tell(try KernelRule.remove(try RuleRequest(ports: ports)))
  }
}

struct KernelShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show what the rule has done, and whether it is still as it was applied.",
    discussion: """
      For each port and family: requests seen, those whose client is remembered, those for which there was no room, those to \
      a broadcast or multicast address; replies seen, those sent from the address that was asked, those to somebody who \
      asked an address that has left this host, and those to somebody who is not remembered. A train of datagrams (GSO, GRO) counts once.

      Exit status: 0 when all is as it was applied, or nothing was; 78 when there is a table of the same name that is not \
      ours; otherwise 1, with the command that puts it right.
      """)

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let report = try KernelRule.show()
    try show(json ? [report.json] : report.text)
    if !json { for line in report.complaints { StandardError.write(line: "multihomed: error: \(line)") } }
    if report.exitCode != 0 { throw ExitCode(report.exitCode) }
  }
}
