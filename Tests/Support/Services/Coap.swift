import Linux

extension RealService {
  /// libcoap's server.
  public static let coap = RealService(
    name: "coap-server", package: "libcoap3-bin", program: "coap-server-notls", port: 5683,
    v4: .answersFromTheAddressAsked, v6: .answersFromTheAddressAsked, question: .coap
  ) { Launch(arguments: ["-p", "\($0.port)"]) }
}

extension Question {
  /// libcoap's client fetches `/`.
  fileprivate static let coap = Question.program(
    "coap-client-notls", arguments: { ["-m", "get", "-B", "5", "coap://\($0)/"] }
  ) { $0.contains("This is a test server") }
}
