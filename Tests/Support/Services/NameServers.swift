import Linux

extension Question {
  /// dig asks for the one name that all of our name servers know.
  static let dig = Question.program(
    "dig",
    arguments: { ["+short", "+tries=1", "+time=5", "-p", "\($0.port)", "example.test", "A", "@\($0.address)"] }
  ) { $0.contains("192.0.2.7") }
}

extension ServiceSite {
  /// Writes a zone file for example.test.
  ///
  /// - Returns: its path.
  func writeZone() throws -> String {
    try folder.write(
      """
      $TTL 60
      @ SOA ns root 1 60 60 60 60
      @ NS ns
      @ A 192.0.2.7
      ns A 192.0.2.8

      """, to: "zone")
  }
}
