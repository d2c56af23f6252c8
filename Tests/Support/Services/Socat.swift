import Linux

extension RealService {
  /// socat with a child for each client.
  public static let socatListen = socat("UDP4-LISTEN", v6: .doesNotListen)
  /// The same on `::`, for both families.
  public static let socatListenOnBoth = socat("UDP6-LISTEN", v6: .answersByRouting)
  /// socat with a child for each datagram.
  public static let socatReceive = socat("UDP4-RECVFROM", v6: .doesNotListen)
  /// The same on `::`, for both families.
  public static let socatReceiveOnBoth = socat("UDP6-RECVFROM", v6: .answersByRouting)
  /// On the host's eth0 in the founding scenario and nowhere else.
  public static let socatOnOneAddress = socat(on: IPAddress(v4: 0xc0a8_6af2))
  /// On 127.0.0.53, as systemd-resolved has it.
  public static let socatOnResolversLoopback = socat(on: IPAddress(v4: 0x7f00_0035))

  private static func socat(_ address: String, v6: Behaviour) -> RealService {
    RealService(
      name: "socat \(address),fork", package: "socat", program: "socat", port: 5678, v4: .answersByRouting, v6: v6,
      question: .socat
    ) { Launch(arguments: ["\(address):\($0.port),fork", "PIPE"]) }
  }

  private static func socat(on address: IPAddress) -> RealService {
    RealService(
      name: "socat on \(address)", package: "socat", program: "socat", port: 5678,
      v4: address.isLoopback ? .doesNotListen : .answersFromTheAddressAsked, v6: .doesNotListen,
      place: .address(address), question: .socat
    ) { Launch(arguments: ["UDP4-RECVFROM:\($0.port),bind=\(address),fork", "PIPE"]) }
  }
}

extension Question {
  /// socat as the client. It waits for the echo after the end of its input.
  fileprivate static let socat = Question.program(
    "socat", arguments: { ["-t", "5", "STDIO", "UDP:\($0)"] }, input: "question\n"
  ) { $0.contains("question") }
}
