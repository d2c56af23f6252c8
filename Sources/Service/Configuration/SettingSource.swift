/// A place that settings come from.
protocol SettingSource: Sendable {
  /// The values that it has for a setting, in order; none where it is silent.
  func texts(_ setting: Setting) -> [String]

  /// What a person calls a setting who sets it there.
  func name(of setting: Setting) -> String

  /// The same mistake, with where it stands.
  ///
  /// - Parameters:
  ///   - setting: what it is about; nil for the whole.
  ///   - number: which of its values; nil for all.
  func placed(_ error: ConfigurationError, _ setting: Setting?, _ number: Int?) -> ConfigurationError

  /// What a relay needs, and how it is set there, for example.
  func example(of settings: [Setting]) -> String
}

extension SettingSource {
  func placed(_ error: ConfigurationError, _ setting: Setting?, _ number: Int?) -> ConfigurationError { error }

  func example(of settings: [Setting]) -> String { "multihomed relay --listen 5678 --backend 127.0.0.1:5678" }
}

/// The options of the command line.
struct OptionSource: SettingSource {
  private let values: [Setting: [String]]

  init(_ values: [Setting: [String]]) { self.values = values }

  func texts(_ setting: Setting) -> [String] { values[setting] ?? [] }
  func name(of setting: Setting) -> String { setting.option }
}

/// The variables of the environment. Where a setting may have several values, commas stand between them.
struct VariableSource: SettingSource {
  private let variables: [String: String]

  init(_ variables: [String: String]) { self.variables = variables }

  func texts(_ setting: Setting) -> [String] {
    guard let text = variables[setting.variable], !text.isEmpty else { return [] }
    if !setting.isRepeatable { return [text] }
    return text.split(separator: ",", omittingEmptySubsequences: false).map { String($0.filter { $0 != " " }) }
  }

  func name(of setting: Setting) -> String { setting.variable }
}
