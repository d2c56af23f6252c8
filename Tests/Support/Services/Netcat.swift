import Linux

extension RealService {
  /// netcat, which hears one client only.
  public static let netcat = RealService(
    name: "nc -u -l", package: "netcat-openbsd", program: "nc.openbsd", port: 5678, v4: .answersByRouting,
    v6: .doesNotListen, isForOneClient: true, question: .netcat
  ) { Launch(arguments: ["-4", "-u", "-l", "\($0.port)"], input: "answer\n") }

  /// netcat on `::`, for both families.
  public static let netcatOnBoth = RealService(
    name: "nc -6 -u -l", package: "netcat-openbsd", program: "nc.openbsd", port: 5678, v4: .answersByRouting,
    v6: .answersByRouting, isForOneClient: true, question: .netcat
  ) { Launch(arguments: ["-6", "-u", "-l", "\($0.port)"], input: "answer\n") }
}

extension Question {
  /// netcat as the client.
  fileprivate static let netcat = Question.program(
    "nc.openbsd", arguments: { ["-u", "-w", "5", "\($0.address)", "\($0.port)"] }, input: "question\n"
  ) { $0.contains("answer") }
}
