/// Why the kernel's rule could not be applied, removed or shown; one line that says what to do.
public struct KernelRuleError: Error, Hashable, Sendable {
  /// Who can see the mistake; its raw value is the process's exit status (sysexits.h).
  public enum Kind: Int32, Sendable {
    /// What was typed is wrong: EX_USAGE.
    case usage = 64
    /// What was typed conflicts with this host's ruleset: EX_CONFIG.
    case host = 78
    /// A program, a right or a feature of the kernel is missing.
    case process = 1
  }

  /// Who can see the mistake.
  public let kind: Kind
  /// The line.
  public let message: String

  /// A failure with its message.
  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// The status to exit with: 64, 78 or 1.
  public var exitCode: Int32 { kind.rawValue }
}
