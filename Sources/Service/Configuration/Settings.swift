/// What was set from outside, still as text. Several places may speak of a setting; the first that does is heard.
public struct Settings: Sendable {
  private let sources: [any SettingSource]

  /// Settings of the command line, and where that is silent of the environment.
  ///
  /// - Parameters:
  ///   - commandLine: The values of the options that were given; a flag that was given has the value `true`.
  ///   - environment: Every variable of the environment. One that is empty counts as not set.
  public init(commandLine: [Setting: [String]], environment: [String: String]) {
    self.init([OptionSource(commandLine), VariableSource(environment)])
  }

  init(_ sources: [any SettingSource]) { self.sources = sources }

  /// These, and where they are silent those of another source.
  func before(_ source: some SettingSource) -> Settings { Settings(sources + [source]) }

  /// The last value, read by `parse`; nil when there is none. What is wrong with it is told with where it stands.
  func value<Value>(
    _ setting: Setting, _ parse: (String) throws(ConfigurationError) -> Value
  ) throws(ConfigurationError) -> Value? {
    try values(setting, parse).last
  }

  /// All values, read by `parse`.
  func values<Value>(
    _ setting: Setting, _ parse: (String) throws(ConfigurationError) -> Value
  ) throws(ConfigurationError) -> [Value] {
    let source = source(of: setting)
    var values: [Value] = []
    for (number, text) in (source?.texts(setting) ?? []).enumerated() {
      do throws(ConfigurationError) { values.append(try parse(text)) } catch {
        throw source?.placed(error.found(at: name(setting)), setting, number) ?? error
      }
    }
    return values
  }

  /// How many values there are.
  func count(_ setting: Setting) -> Int { source(of: setting)?.texts(setting).count ?? 0 }

  /// Whether a flag is set.
  func flag(_ setting: Setting) throws(ConfigurationError) -> Bool {
    try value(setting) { text throws(ConfigurationError) in
      switch text.lowercased() {
      case "true", "1", "yes", "on": true
      case "false", "0", "no", "off": false
      default: throw .usage("'\(text)' is neither true nor false; give true, 1 or yes, or false, 0 or no")
      }
    } ?? false
  }

  /// What a person calls this setting who set it where it was set: the option, the variable, or the key of a file.
  func name(_ setting: Setting) -> String {
    (source(of: setting) ?? sources.first)?.name(of: setting) ?? setting.option
  }

  /// The same error in terms of where the settings came from, and with the place of the first setting that it names.
  func inTheirTerms(_ error: ConfigurationError) -> ConfigurationError {
    var named: Setting?
    let words = error.message.split(separator: " ", omittingEmptySubsequences: false).map { word in
      let bare = word.prefix { !",;:)".contains($0) }
      guard let setting = Setting.allCases.first(where: { $0.option == bare }) else { return String(word) }
      if named == nil, source(of: setting) != nil { named = setting }
      return name(setting) + word.dropFirst(bare.count)
    }
    let told = ConfigurationError(kind: error.kind, message: words.joined(separator: " "))
    guard let source = named.flatMap(source) ?? sources.first else { return told }
    return source.placed(told, named, nil)
  }

  /// That settings are missing which a relay cannot do without.
  func missing(_ settings: [Setting]) -> ConfigurationError {
    let names = settings.map(name).joined(separator: " and ")
    let source = sources.last
    let error = ConfigurationError.usage(
      "\(names) \(settings.count == 1 ? "is" : "are") missing; for example: \(source?.example(of: settings) ?? "")")
    return source?.placed(error, nil, nil) ?? error
  }

  private func source(of setting: Setting) -> (any SettingSource)? {
    sources.first { source in setting.sameChoice.contains { !source.texts($0).isEmpty } }
  }
}
