/// Reads every value by itself, so that a mistake in one does not hide those in others.
extension FileFindings {
  /// Notes what is wrong with each value of a relay's table.
  ///
  /// - Returns: whether nothing is.
  func checkEachValue(ofRelay source: FileSource) -> Bool {
    checkEach(source) { setting throws(ConfigurationError) in
      _ = try RelayConfiguration(Settings([source.alone(setting)]).before(Required()))
    }
  }

  /// Notes what is wrong with each value of the process's.
  ///
  /// - Parameter outer: where a setting is set before the file's.
  /// - Returns: whether nothing is.
  func checkEachValue(ofProcess source: FileSource, under outer: Settings) -> Bool {
    checkEach(source) { setting throws(ConfigurationError) in
      if outer.count(setting) > 0 { return }
      var scratch = ProcessConfiguration(relays: [])
      try scratch.read(Settings([source.alone(setting)]))
    }
  }

  private func checkEach(_ source: FileSource, _ read: (Setting) throws(ConfigurationError) -> Void) -> Bool {
    var isGood = true
    for setting in Setting.allCases where !source.texts(setting).isEmpty {
      let found: Void? = attempt(at: source.place(of: setting, nil)) { () throws(ConfigurationError) in
        try read(setting)
      }
      if found == nil { isGood = false }
    }
    return isGood
  }
}

/// What a relay cannot do without, so that another setting can be looked at alone.
private struct Required: SettingSource {
  func texts(_ setting: Setting) -> [String] {
    switch setting {
    case .listen: ["1"]
    case .backend: ["127.0.0.1:1"]
    default: []
    }
  }

  func name(of setting: Setting) -> String { setting.nameInFile }
}
