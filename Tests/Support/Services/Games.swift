extension RealService {
  /// The server of Teeworlds.
  public static let teeworlds = RealService(
    name: "teeworlds-server", package: "teeworlds-server", program: "teeworlds-server", port: 8303,
    v4: .answersByRouting, v6: .answersByRouting, question: .token
  ) { site in
    Launch(
      arguments: ["sv_port \(site.port)", "sv_register 0"],
      directory: "\(FetchedPrograms.root)/usr/share/games/teeworlds")
  }
}

extension Question {
  /// A control message of Teeworlds 0.7 (flag 1, number 5) from one who has no token yet and offers one, padded so that the
  /// answer is not longer; the server's begins with that token.
  fileprivate static let token = Question.datagram({
    [1 << 2, 0, 0, 0xff, 0xff, 0xff, 0xff, 5] + own + Array(repeating: 0, count: 512)
  }) { $0.count >= 12 && $0[0] == 1 << 2 && Array($0[3..<7]) == own && $0[7] == 5 }

  private static let own: [UInt8] = [1, 2, 3, 4]
}
