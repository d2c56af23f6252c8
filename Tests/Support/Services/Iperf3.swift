import Linux

extension RealService {
  /// iperf3's server. It has a UDP socket only while a client measures, who says so over TCP.
  public static let iperf3 = RealService(
    name: "iperf3 -s", package: "iperf3", program: "iperf3", port: 5201, v4: .answersByRouting, v6: .answersByRouting,
    readiness: .line("Server listening"), question: .iperf3
  ) { Launch(arguments: ["-s", "--forceflush", "-p", "\($0.port)"]) }
}

extension Question {
  /// iperf3 sends 10 datagrams when the server has answered the first.
  fileprivate static let iperf3 = Question.program(
    "iperf3",
    arguments: { ["-u", "-c", "\($0.address)", "-p", "\($0.port)", "-k", "10", "-l", "1000", "--forceflush"] }
  ) { $0.contains("iperf Done.") }
}
