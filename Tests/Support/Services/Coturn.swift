import Linux

extension RealService {
  /// coturn, with two sockets for each address.
  public static let coturn = coturn(
    "turnserver", .answersFromTheAddressAsked, [], readiness: .socketOnEveryAddress(v6: true))
  /// coturn on the wildcard.
  public static let coturnOnWildcard = coturn(
    "turnserver -L 0.0.0.0 -L ::", .answersByRouting, ["-L", "0.0.0.0", "-L", "::"])

  private static func coturn(
    _ name: String, _ behaviour: Behaviour, _ options: [String], readiness: Readiness = .socket
  ) -> RealService {
    RealService(
      name: name, package: "coturn", program: "turnserver", port: 3478, v4: behaviour, v6: behaviour,
      clientTakesAnySource: true, readiness: readiness, question: .stunClient
    ) { site in
      let usual = [
        "-n", "-p", "\(site.port)", "--no-cli", "--no-tls", "--no-dtls", "--no-rfc5780", "--log-file", "stdout",
        "--simple-log", "-u", "somebody:password", "-r", "test", "--pidfile", "\(site.path)/pid", "-b",
        "\(site.path)/database",
      ]
      return Launch(arguments: usual + options)
    }
  }
}

extension Question {
  /// coturn's STUN client asks for its own address.
  fileprivate static let stunClient = Question.program(
    "turnutils_stunclient", arguments: { ["-p", "\($0.port)", "\($0.address)"] }
  ) { $0.contains("UDP reflexive addr") }
}
