import Linux

/// What keeps a command from telling what it was asked for, and what to do about it.
public struct OperatorFailure: Error, Hashable, Sendable {
  /// One line.
  public let message: String
  /// The status to exit with: 64 for a mistake on the command line, otherwise 1.
  public let exitCode: Int32

  /// Whether it is only that nobody listens on a socket any more.
  let isOfTheDead: Bool

  init(_ message: String, exitCode: Int32 = 1) { self.init(message, exitCode, isOfTheDead: false) }

  private init(_ message: String, _ exitCode: Int32, isOfTheDead: Bool) {
    self.message = message.printable
    self.exitCode = exitCode
    self.isOfTheDead = isOfTheDead
  }

  /// Nobody listens on a socket any more.
  static func dead(_ message: String) -> OperatorFailure { OperatorFailure(message, 1, isOfTheDead: true) }

  /// What a command has to say could not be written.
  public init(output message: String) { self.init(message) }

  /// What is asked for contradicts itself.
  public init(contradiction message: String) { self.init(message, exitCode: 64) }

  /// A mistake on the command line (EX_USAGE).
  static func usage(_ message: String) -> OperatorFailure { OperatorFailure(message, exitCode: 64) }
}
