import Linux

/// What keeps a command from telling what it was asked for, and what to do about it.
public struct OperatorFailure: Error, Hashable, Sendable {
  /// One line.
  public let message: String
  /// The status to exit with: 64 for a mistake on the command line, otherwise 1.
  public let exitCode: Int32

  init(_ message: String, exitCode: Int32 = 1) {
    self.message = message.printable
    self.exitCode = exitCode
  }

  /// What a command has to say could not be written.
  public init(output message: String) { self.init(message) }

  /// A mistake on the command line (EX_USAGE).
  static func usage(_ message: String) -> OperatorFailure { OperatorFailure(message, exitCode: 64) }
}
