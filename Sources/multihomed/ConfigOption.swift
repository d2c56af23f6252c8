import ArgumentParser
import Linux
import Service

struct ConfigOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read everything from a file, see multihomed.toml(5). Beside it only the options under Process may be given, which "
        + "come before the file's.", valueName: "FILE"),
    completion: .file())
  var config: String?

  /// The file's path: of the option, or of the variable.
  var path: String? { Self.path(config) }

  /// The path that was given, or that of the variable.
  static func path(_ given: String?) -> String? {
    let variable = Environment.variables[ConfigurationFile.variable].flatMap { $0.isEmpty ? nil : $0 }
    return given ?? variable
  }
}
