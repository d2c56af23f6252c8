import Glibc

/// A pattern of the shell: `*`, `?` and `[…]` (fnmatch(3), glob(7)), always matched against a whole text.
public struct Glob: Hashable, Sendable {
  /// The pattern as it was written.
  public let pattern: String

  /// Takes any text: a bracket that is never closed stands for itself.
  public init(_ pattern: String) { self.pattern = pattern }

  /// Whether the whole text matches.
  public func matches(_ text: String) -> Bool { unsafe fnmatch(pattern, text, 0) == 0 }
}
