import Linux

/// What is wrong with a configuration, and what to do about it.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Who can see the mistake; its raw value is the process's exit status (sysexits.h).
  public enum Kind: Int32, Sendable {
    /// The configuration contradicts itself or cannot be read: EX_USAGE.
    case usage = 64
    /// A configuration file is wrong, or the configuration conflicts with this host: EX_CONFIG.
    case host = 78
    /// The process lacks descriptors, memory or the like.
    case process = 1
  }

  /// Who can see the mistake.
  public let kind: Kind
  /// One line: what is wrong, a colon or semicolon, what to do.
  public let message: String

  /// A mistake. What cannot be shown of the message, which may repeat what somebody wrote, is written out.
  init(kind: Kind, message: String) {
    self.kind = kind
    self.message = message.printable
  }

  /// Something that the configuration alone shows to be wrong.
  public static func usage(_ message: String) -> ConfigurationError {
    ConfigurationError(kind: .usage, message: message)
  }

  /// Something that conflicts with this host.
  public static func host(_ message: String) -> ConfigurationError {
    ConfigurationError(kind: .host, message: message)
  }

  /// Something that this process lacks.
  public static func process(_ message: String) -> ConfigurationError {
    ConfigurationError(kind: .process, message: message)
  }

  /// The status to exit with: 64, 78 or 1.
  public var exitCode: Int32 { kind.rawValue }

  /// The message.
  public var description: String { message }

  /// The same mistake, with where it stands (an option, a variable, a line of a file) before it.
  func found(at place: String) -> ConfigurationError { ConfigurationError(kind: kind, message: "\(place): \(message)") }
}
