/// What apply and remove have to say.
public struct RuleAnswer: Hashable, Sendable {
  /// What was done, and what holds now: for standard output, a line each.
  public let lines: [String]
  /// What may be otherwise than it was meant, beginning with `note` or `warning`: for standard error, a line each.
  public let notes: [String]
}
