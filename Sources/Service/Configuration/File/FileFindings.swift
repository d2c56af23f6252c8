import TOML

/// What is found wrong with a file.
final class FileFindings {
  /// What the file is called.
  let path: String
  private var found: [(place: TOMLPlace, error: ConfigurationError)] = []

  init(_ path: String) { self.path = path }

  /// In the order of the file.
  var errors: [ConfigurationError] {
    found.enumerated().sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }.map(\.element.error)
  }

  /// Whether a mistake is noted at an entry's key or value.
  func isNoted(_ entry: TOMLEntry) -> Bool {
    found.contains { $0.place == entry.place || $0.place == entry.value.place }
  }

  /// Notes a mistake. Only the first at a place is told: what follows from it would confuse.
  func note(_ message: String, at place: TOMLPlace) {
    if found.contains(where: { $0.place == place }) { return }
    found.append((place, .host("\(path):\(place.line):\(place.column): \(message)")))
  }

  /// Does something, and notes what is wrong with it, which says by itself where.
  ///
  /// - Parameter place: where it is told among the other mistakes.
  /// - Returns: nil when something was wrong.
  @discardableResult
  func attempt<Value>(at place: TOMLPlace, _ body: () throws(ConfigurationError) -> Value) -> Value? {
    do throws(ConfigurationError) { return try body() } catch {
      if !found.contains(where: { $0.error == error }) { found.append((place, error)) }
      return nil
    }
  }
}
