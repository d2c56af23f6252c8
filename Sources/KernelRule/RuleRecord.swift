import Linux

/// What was applied in this network namespace, kept beside the kernel, so that a table that somebody flushed is missed.
///
/// A file in /run, which is empty after a boot, as the ruleset is. Without it `show` knows only what the kernel has.
package struct RuleRecord: Hashable, Sendable {
  /// What was applied.
  package let settings: RuleSettings
  /// How nft listed it then: another version of nft may write it otherwise than this one.
  package let listing: String

  /// A record of what was applied.
  package init(_ settings: RuleSettings, listing: String) {
    self.settings = settings
    self.listing = listing
  }

  /// Reads the text of a record; nil when it is none.
  package init?(_ text: String) {
    let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    let words = parts[0].split(separator: " ").compactMap { Int($0) }
    guard parts.count == 2, words.count > 3, let seed = UInt32(exactly: words[2]) else { return nil }
    let ports = words.dropFirst(3).compactMap { UInt16(exactly: $0) }
    settings = RuleSettings(ports: ports, clients: words[0], timeout: words[1], seed: seed)
    listing = String(parts[1])
  }

  /// The text: a line of clients, timeout, seed and ports; then the listing.
  package var text: String {
    let words = [settings.clients, settings.timeout, Int(settings.seed)] + settings.ports.map(Int.init)
    return words.map(String.init).joined(separator: " ") + "\n" + listing
  }
}

extension RuleRecord {
  /// What was written last; nil when there is nothing, or nothing that can be read and trusted.
  static func read() -> RuleRecord? {
    guard let folder = try? StateFolder(RuleFiles.folder), let name = try? RuleFiles.record() else { return nil }
    return folder.read(name).flatMap { RuleRecord($0) }
  }

  /// Puts it in the place of the last one.
  ///
  /// - Throws: what `StateFolder` and `RuleFiles.record()` throw.
  func write() throws(Errno) {
    try StateFolder(RuleFiles.folder, isMade: true).write(text, to: RuleFiles.record())
  }

  /// Forgets it. What cannot be removed could not be written.
  static func remove() {
    guard let folder = try? StateFolder(RuleFiles.folder), let name = try? RuleFiles.record() else { return }
    folder.remove(name)
  }
}
