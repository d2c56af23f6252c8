import TOML

/// Makes one relay of its table.
struct RelayDecoder {
  private static let name = "name"

  /// A relay, and where it comes from.
  struct Read {
    let configuration: RelayConfiguration
    let source: FileSource
    let namePlace: TOMLPlace

    /// Checks it against the number of workers.
    func check(_ workers: WorkerCount) throws(ConfigurationError) {
      do throws(ConfigurationError) { try configuration.checkShares(among: workers) } catch {
        throw Settings([source]).inTheirTerms(error)
      }
    }
  }

  private let findings: FileFindings
  private let table: FileTable

  init(_ findings: FileFindings, _ table: FileTable) {
    self.findings = findings
    self.table = table
  }

  /// - Parameter isAlone: whether it can do without a name.
  /// - Returns: nil when something is wrong with it, which is noted.
  func relay(isAlone: Bool) -> Read? {
    let source = table.source(Setting.allCases.filter { !$0.isOfProcess }, besides: [Self.name])
    let name = relayName(isAlone: isAlone)
    // What is misspelt, or of the wrong kind, is not missing.
    if !findings.checkEachValue(ofRelay: source) || table.isFaulty && !source.isComplete { return nil }
    return findings.attempt(at: table.start) { () throws(ConfigurationError) in
      let settings = Settings([source])
      var relay = try RelayConfiguration(settings)
      relay.name = name?.text ?? relay.name
      do throws(ConfigurationError) { try validate(relay) } catch { throw settings.inTheirTerms(error) }
      return Read(configuration: relay, source: source, namePlace: name?.place ?? table.start)
    }
  }

  private func relayName(isAlone: Bool) -> FileSource.Value? {
    guard let name = table.text(Self.name, example: "name = \"game\"") else {
      if !isAlone, table.entry(Self.name) == nil {
        findings.note("each of several relays needs a name, as in name = \"game\"", at: table.start)
      }
      return nil
    }
    if RelayName.isValid(name.text) { return name }
    findings.note("name \(RelayName.rule), as in name = \"game\"", at: name.place)
    return nil
  }
}

/// What a relay may be called: it is a label of metrics, a word in logs, and the argument of commands.
enum RelayName {
  static let rule = "takes 1 to 63 letters, digits, dots, dashes and underscores"

  static func isValid(_ name: String) -> Bool {
    (1...63).contains(name.utf8.count)
      && name.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || "0123456789.-_".unicodeScalars.contains($0))
      }
  }
}
