import ArgumentParser
import Linux
import Operator

extension OperatorFailure: Complaint {}

/// Which process is meant.
struct InstanceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Ask by this socket. (default: every *.sock and */admin.sock in /run/multihomed and $XDG_RUNTIME_DIR/multihomed, as root in every user's, too)",
      valueName: "PATH"), completion: .file())
  var admin: String?

  // Unconditional: whoever gives -1 is told what is expected.
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Ask the process of this number, where several are running.", valueName: "PID"))
  var pid: String?

  func choice() throws(OperatorFailure) -> InstanceChoice {
    let environment = Environment.variables
    // What names a relay's socket names it for whoever asks, too, in the same container.
    let variable = environment["MULTIHOMED_ADMIN"].flatMap { $0.isEmpty || $0 == "none" ? nil : $0 }
    return try InstanceChoice(path: admin ?? variable, pid: pid, environment: environment)
  }
}

/// Shows lines; what cannot be shown is a failure of the command's.
func showing(_ lines: [String]) throws(OperatorFailure) {
  do throws(OutputFailure) { try show(lines) } catch { throw OperatorFailure(output: error.message) }
}
