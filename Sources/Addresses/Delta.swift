/// What changed from one set to another, in the order of the lists.
public struct Delta<Element: Hashable>: Equatable {
  /// What is new.
  public let added: [Element]
  /// What is gone.
  public let removed: [Element]

  /// Compares two lists as sets.
  public init(from old: some Collection<Element>, to new: some Collection<Element>) {
    let before = Set(old)
    let after = Set(new)
    added = new.filter { !before.contains($0) }
    removed = old.filter { !after.contains($0) }
  }

  /// Whether nothing changed.
  public var isEmpty: Bool { added.isEmpty && removed.isEmpty }
}
