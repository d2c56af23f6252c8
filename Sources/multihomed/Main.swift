import ArgumentParser
import Glibc
import Linux

/// Parses the command line, runs what it asks for, and turns every failure into one line and an exit status.
@main
enum Main {
  static func main() {
    StandardDescriptors.openMissing()
    _ = ManagerVariables.ours
    SignalDisposition.ignoreBrokenPipes()
    do {
      var command = try Multihomed.parseAsRoot()
      if !type(of: command).configuration.subcommands.isEmpty { fail([CommandPath.typed.choice], status: usage) }
      try command.run()
    } catch let error as any Complaint {
      fail(error.messages, status: error.exitCode)
    } catch {
      end(with: error)
    }
  }

  /// EX_USAGE (sysexits.h).
  private static let usage: Int32 = 64

  /// Help, version and a command's own status go the parser's way; its complaints become one line.
  private static func end(with error: any Error) -> Never {
    let status = Multihomed.exitCode(for: error)
    if status == .success || error is ExitCode { Multihomed.exit(withError: error) }
    let path = CommandPath.typed
    fail([path.isUnknown ? path.choice : sentence(Multihomed.message(for: error), path)], status: status.rawValue)
  }

  /// The parser's complaint on one line, in our manner, with where to read on.
  private static func sentence(_ complaint: String, _ path: CommandPath) -> String {
    let line = complaint.split(whereSeparator: \.isNewline).joined(separator: " ")
    let start = line.prefix(1).lowercased() + line.dropFirst().dropLast(line.hasSuffix(".") ? 1 : 0)
    return start.hasSuffix("?") ? "\(start) See \(path.help)" : "\(start); see \(path.help)"
  }

  private static func fail(_ messages: [String], status: Int32) -> Never {
    // The journal files a line under the priority that it begins with: LOG_ERR (sd-daemon(3)).
    let priority = StandardError.isJournal(Environment.variables["JOURNAL_STREAM"]) ? "<3>" : ""
    for message in messages { StandardError.write(line: "\(priority)multihomed: error: \(message)") }
    exit(status)
  }
}
