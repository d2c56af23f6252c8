import TOML

/// The settings of one table of a file.
struct FileSource: SettingSource {
  struct Value: Sendable {
    let text: String
    let place: TOMLPlace
  }

  /// What the file is called.
  let path: String
  /// Where the table begins.
  let start: TOMLPlace
  private(set) var values: [Setting: [Value]] = [:]
  private(set) var places: [Setting: TOMLPlace] = [:]

  init(_ path: String, at start: TOMLPlace) {
    self.path = path
    self.start = start
  }

  mutating func set(_ setting: Setting, _ values: [Value], at place: TOMLPlace) {
    self.values[setting] = values
    places[setting] = place
  }

  /// What it says of one setting.
  func alone(_ setting: Setting) -> FileSource {
    var source = FileSource(path, at: start)
    if let values = values[setting] { source.set(setting, values, at: place(of: setting, nil)) }
    return source
  }

  /// Takes up what another table of the file says.
  mutating func add(_ other: FileSource) {
    values.merge(other.values) { _, new in new }
    places.merge(other.places) { _, new in new }
  }

  /// Whether it has all that a relay cannot do without.
  var isComplete: Bool { !texts(.listen).isEmpty && !texts(.backend).isEmpty }

  func texts(_ setting: Setting) -> [String] { values[setting, default: []].map(\.text) }

  func name(of setting: Setting) -> String { setting.nameInFile }

  /// Where a setting stands, or one of its values; where the table begins when it is not there.
  func place(of setting: Setting?, _ number: Int?) -> TOMLPlace {
    guard let setting, let place = places[setting] else { return start }
    return number.map { values[setting, default: []][$0].place } ?? place
  }

  func example(of settings: [Setting]) -> String {
    settings.map(\.exampleInFile).joined(separator: " and ")
  }

  func placed(_ error: ConfigurationError, _ setting: Setting?, _ number: Int?) -> ConfigurationError {
    let place = place(of: setting, number)
    return .host("\(path):\(place.line):\(place.column): \(error.message)")
  }
}
