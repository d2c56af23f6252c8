import Linux

/// What was applied in this network namespace, kept beside the kernel, so that a table that somebody flushed is missed.
///
/// A file in /run, which is empty after a boot, as the ruleset is. Where it is not, as in a container whose /run is kept, a
/// namespace may have the number of one before the boot: so the record says of which boot it is. Without it `show` knows only
/// what the kernel has.
package struct RuleRecord: Hashable, Sendable {
  /// What was applied.
  package let settings: RuleSettings
  /// How nft listed it then: another version of nft may write it otherwise than this one.
  package let listing: String
  /// Where and when.
  package let place: RulePlace

  /// A record of what was applied.
  package init(_ settings: RuleSettings, listing: String, in place: RulePlace = .current) {
    self.settings = settings
    self.listing = listing
    self.place = place
  }

  /// Reads the text of a record; nil when it is none.
  package init?(_ text: String) {
    let parts = text.split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let place = RulePlace(parts[0]) else { return nil }
    let words = parts[1].split(separator: " ").compactMap { Int($0) }
    guard words.count > 3, let seed = UInt32(exactly: words[2]) else { return nil }
    let ports = words.dropFirst(3).compactMap { UInt16(exactly: $0) }
    settings = RuleSettings(ports: ports, clients: words[0], timeout: words[1], seed: seed)
    listing = String(parts[2])
    self.place = place
  }

  /// The text: a line of boot and namespace; one of clients, timeout, seed and ports; then the listing.
  package var text: String {
    let words = [settings.clients, settings.timeout, Int(settings.seed)] + settings.ports.map(Int.init)
    return "\(place.text)\n\(words.map(String.init).joined(separator: " "))\n\(listing)"
  }
}

extension RuleRecord {
  /// What was written last since this boot; nil when there is nothing, or nothing that can be read and trusted.
  static func read() -> RuleRecord? {
    guard let folder = try? StateFolder(RuleFiles.folder), let name = try? RuleFiles.record() else { return nil }
    let record = folder.read(name).flatMap { RuleRecord($0) }
    return record?.place.boot == RulePlace.current.boot ? record : nil
  }

  /// Puts it in the place of the last one, and clears away what nobody needs; see `RuleFiles.clear`.
  ///
  /// - Throws: what `StateFolder` and `RuleFiles.record()` throw.
  func write() throws(Errno) {
    let folder = try StateFolder(RuleFiles.folder, isMade: true)
    let name = try RuleFiles.record()
    try folder.write(text, to: name)
    RuleFiles.clear(RuleFiles.folder, sparing: name)
  }

  /// Forgets it. What cannot be removed could not be written.
  static func remove() {
    guard let folder = try? StateFolder(RuleFiles.folder), let name = try? RuleFiles.record() else { return }
    folder.remove(name)
  }
}
