import TOML

/// One table of a file, read strictly.
struct FileTable {
  private let findings: FileFindings
  private let entries: [TOMLEntry]
  /// Where it begins.
  let start: TOMLPlace

  init(_ findings: FileFindings, _ entries: [TOMLEntry], at start: TOMLPlace) {
    self.findings = findings
    self.entries = entries
    self.start = start
  }

  /// Whether something was noted that stands in it.
  var isFaulty: Bool { entries.contains { findings.isNoted($0) } }

  func entry(_ key: String) -> TOMLEntry? { entries.first { $0.key == key } }

  /// A text, with its place; nil when there is none. Any other kind of value is noted.
  func text(_ key: String, example: String) -> FileSource.Value? {
    guard let entry = entry(key) else { return nil }
    if case .string(let text) = entry.value.kind { return .init(text: text, place: entry.value.place) }
    findings.note("\(key) is \(entry.value.description); give a string, as in \(example)", at: entry.value.place)
    return nil
  }

  /// The settings that stand in it. Whatever else stands there is noted.
  ///
  /// - Parameter others: keys that are read elsewhere.
  func source(_ settings: [Setting], besides others: [String]) -> FileSource {
    var source = FileSource(findings.path, at: start)
    for entry in entries where !others.contains(entry.key) {
      guard let setting = settings.first(where: { $0.key == entry.key }) else {
        noteUnknown(entry, settings.map(\.key) + others)
        continue
      }
      let shape = FileShape(setting)
      guard let texts = shape.texts(entry.value) else {
        noteShape(entry, shape, setting)
        continue
      }
      if texts.isEmpty, setting == .listen || setting == .metrics {
        let what = setting == .listen ? "a port" : "an address and port"
        findings.note("listen is empty; name \(what), as in \(setting.exampleInFile)", at: entry.value.place)
      }
      source.set(setting, texts, at: entry.place)
    }
    return source
  }

  private func noteShape(_ entry: TOMLEntry, _ shape: FileShape, _ setting: Setting) {
    findings.note(
      "\(entry.key) is \(entry.value.contentDescription); give \(shape.description), as in \(setting.exampleInFile)",
      at: entry.value.place)
  }

  private func noteUnknown(_ entry: TOMLEntry, _ known: [String]) {
    let key = Self.quoted(entry.key)
    if let setting = Setting.allCases.first(where: { $0.key == entry.key && $0.table == nil }) {
      let home =
        setting.isOfProcess
        ? "is the process's; write it above the first table" : "is a relay's; write it below [[relay]]"
      return findings.note("\(key) \(home)", at: entry.place)
    }
    let meant = Spelling.nearest(to: entry.key, among: known).map { "did you mean \($0)?" }
    findings.note(
      "there is no key \(key) here; \(meant ?? "known are \(known.joined(separator: ", "))")", at: entry.place)
  }

  /// A key as it can be shown on one line.
  private static func quoted(_ key: String) -> String {
    let isBare = !key.isEmpty && key.count <= 64 && key.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7f }
    return isBare ? key : "\"" + key.unicodeScalars.prefix(64).map { $0.escaped(asASCII: true) }.joined() + "\""
  }
}

extension TOMLValue {
  /// What it is, and what it holds: `an array with a float`.
  var contentDescription: String {
    guard case .array(let elements) = kind, !elements.isEmpty else { return description }
    let kinds = elements.map(\.description)
    return "an array with \(Set(kinds).sorted().joined(separator: " and "))"
  }
}
