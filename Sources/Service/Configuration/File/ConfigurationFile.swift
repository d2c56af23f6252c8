import Linux
import TOML

/// Reads a configuration file (multihomed.toml(5)), and checks all that can be checked without looking at the host. Strict:
/// what is not understood is an error, and every mistake is told, not the first alone.
public enum ConfigurationFile {
  /// The variable that names one where no option does.
  public static let variable = "MULTIHOMED_CONFIG"

  /// Far more than any configuration needs, in bytes.
  public static let sizeLimit = 1 << 20

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: where it is; /dev/stdin is one, too.
  ///   - settings: what was set on the command line and in the environment: those of the process come before the file's,
  ///     those of a relay must not be there.
  /// - Throws: everything that is wrong with it, each with file, line and column.
  public static func read(
    _ path: String, under settings: Settings = Settings(commandLine: [:], environment: [:])
  ) throws(ConfigurationFileError) -> ProcessConfiguration {
    let bytes: [UInt8]
    do throws(Errno) { bytes = try BoundedFile.read(path, limit: sizeLimit) } catch {
      throw ConfigurationFileError(unreadable(path, error))
    }
    return try decode(bytes, of: path, under: settings)
  }

  /// Reads a file, where the command line and the environment may speak of the process alone.
  ///
  /// - Throws: as above.
  public static func read(
    _ path: String, commandLine: [Setting: [String]], environment: [String: String]
  ) throws(ConfigurationFileError) -> ProcessConfiguration {
    let settings = Settings(commandLine: commandLine, environment: environment)
    if let setting = Setting.allCases.first(where: { !$0.isOfProcess && settings.count($0) > 0 }) {
      throw ConfigurationFileError(
        .usage("\(settings.name(setting)) is set beside a configuration file; leave it out, and write it into \(path)"))
    }
    return try read(path, under: settings)
  }

  /// Reads a file's bytes.
  ///
  /// - Parameter path: what to call it in errors.
  public static func decode(
    _ bytes: [UInt8], of path: String, under settings: Settings = Settings(commandLine: [:], environment: [:])
  ) throws(ConfigurationFileError) -> ProcessConfiguration {
    let findings = FileFindings(path)
    do throws(TOMLSyntaxError) {
      let document = try TOMLDocument.read(bytes)
      var configuration = FileDecoder(findings, settings).process(document)
      configuration?.file = path
      if let configuration, findings.errors.isEmpty { return configuration }
    } catch {
      findings.note(error.message, at: error.place)
    }
    throw ConfigurationFileError(findings.errors)
  }

  private static func unreadable(_ path: String, _ error: Errno) -> ConfigurationError {
    let what =
      error == .fileTooLarge
      ? "it is larger than \(sizeLimit) bytes" : error == .again ? "nothing comes from it" : "\(error)"
    return .host("cannot read \(path): \(what)\(remedy(path, error).map { "; \($0)" } ?? "")")
  }

  private static func remedy(_ path: String, _ error: Errno) -> String? {
    switch error {
    case .notFound: "write one (multihomed.toml(5) has an example), or name another by --config"
    case .accessDenied: "it must be readable for the user that this runs as: chmod 644 \(path)"
    case .isFolder: "name a file"
    default: nil
    }
  }
}

/// Everything that is wrong with a configuration file.
public struct ConfigurationFileError: Error, Hashable, Sendable {
  /// At least one, in the order of the file.
  public let errors: [ConfigurationError]

  init(_ errors: [ConfigurationError]) { self.errors = errors }
  init(_ error: ConfigurationError) { errors = [error] }

  /// The status to exit with: 78, or 64 when it is not the file that is wrong.
  public var exitCode: Int32 { errors.first?.exitCode ?? 0 }

  /// A line for each.
  public var messages: [String] { errors.map(\.message) }
}
