import ArgumentParser
import Glibc
import Linux

/// Parses the command line, runs what it asks for, and turns every failure into one line and an exit status.
@main
enum Main {
  static func main() {
    StandardDescriptors.openMissing()
    SignalDisposition.ignoreBrokenPipes()
    do {
      var command = try Multihomed.parseAsRoot()
      try command.run()
    } catch let error as any Complaint {
      fail(error.message, status: error.exitCode)
    } catch {
      end(with: error)
    }
  }

  /// Help, version and a command's own status go the parser's way; its complaints become one line.
  private static func end(with error: any Error) -> Never {
    let status = Multihomed.exitCode(for: error)
    if status == .success || error is ExitCode { Multihomed.exit(withError: error) }
    fail(sentence(Multihomed.message(for: error)), status: status.rawValue)
  }

  /// The parser's complaint on one line, in our manner, with where to read on.
  private static func sentence(_ complaint: String) -> String {
    let line = complaint.split(whereSeparator: \.isNewline).joined(separator: " ")
    let start = line.prefix(1).lowercased() + line.dropFirst().dropLast(line.hasSuffix(".") ? 1 : 0)
    let verb = CommandLine.arguments.dropFirst().first { name in
      Multihomed.configuration.subcommands.contains { $0._commandName == name }
    }
    let help = "multihomed \(verb.map { "\($0) " } ?? "")--help"
    return start.hasSuffix("?") ? "\(start) See \(help)" : "\(start); see \(help)"
  }

  private static func fail(_ message: String, status: Int32) -> Never {
    StandardError.write(line: "multihomed: error: \(message)")
    exit(status)
  }
}
