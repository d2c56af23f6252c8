/// Everything that was found, ready to be told.
package struct Report: Sendable {
  /// A diagnosis for each network namespace, ours first.
  package let diagnoses: [Diagnosis]
  /// What was not looked at.
  package let limits: Limits
  /// What was to be looked at.
  package let scope: Scope
  /// To whom it is told.
  package let asker: Asker

  /// A report in all its parts.
  package init(
    _ diagnoses: [Diagnosis], limits: Limits = Limits(), scope: Scope = .services, asker: Asker = .root
  ) {
    self.diagnoses = diagnoses
    self.limits = limits
    self.scope = scope
    self.asker = asker
  }

  /// Whether nothing has to be done anywhere.
  package var isHealthy: Bool { diagnoses.allSatisfy(\.isHealthy) }
}
