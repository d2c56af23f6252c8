import ArgumentParser
import Linux
import Service

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check a configuration file, and serve nothing.",
    discussion: """
      Tells every mistake with file, line and column, and exits with 78 when there is one. Whether the file fits a host \
      (its interfaces, addresses and ports) is known there alone, at the start.

      Example:
        multihomed check --config /etc/multihomed/multihomed.toml
      """)

  @Option(
    help: ArgumentHelp("The file to check, see multihomed.toml(5).", valueName: "FILE"), completion: .file())
  var config: String?

  func run() throws {
    guard let path = ConfigOption.path(config) else {
      throw ConfigurationError.usage("which file? give it, as in: multihomed check --config multihomed.toml")
    }
    let configuration = try ConfigurationFile.read(path)
    let count = configuration.relays.count
    StandardOutput.write(line: "\(path): \(count) \(count == 1 ? "relay" : "relays"), nothing is wrong")
  }
}
