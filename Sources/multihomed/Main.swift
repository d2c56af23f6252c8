import ArgumentParser
import Glibc
import Linux
import Service

/// Parses the command line, runs what it asks for, and turns every failure into one line and an exit status.
@main
enum Main {
  static func main() {
    SignalDisposition.ignoreBrokenPipes()
    do {
      var command = try Multihomed.parseAsRoot()
      try command.run()
    } catch let error as ConfigurationError {
      fail(error.message, status: error.exitCode)
    } catch {
      end(with: error)
    }
  }

  /// Help, version and a command's own status go the parser's way; its complaints become one line.
  private static func end(with error: any Error) -> Never {
    let status = Multihomed.exitCode(for: error)
    if status == .success || error is ExitCode { Multihomed.exit(withError: error) }
    let message = Multihomed.message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
    let end =
      message.hasSuffix(".") || message.hasSuffix("?") ? message.dropLast(message.hasSuffix(".") ? 1 : 0) : message[...]
    let helpful = CommandLine.arguments.dropFirst().first == "relay" ? "multihomed relay --help" : "multihomed --help"
    fail("\(end); see \(helpful)", status: status.rawValue)
  }

  private static func fail(_ message: String, status: Int32) -> Never {
    StandardError.write(line: "multihomed: error: \(message)")
    exit(status)
  }
}
