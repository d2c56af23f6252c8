extension RealService {
  /// memcached, whose threads hear the same sockets.
  public static let memcached = RealService(
    name: "memcached -U", package: "memcached", program: "memcached", port: 11211, v4: .answersByRouting,
    v6: .answersByRouting, question: .version
  ) { site in
    let port = "\(site.port)"
    return Launch(arguments: ["-u", "root", "-t", "2", "-m", "8", "-p", port, "-U", port, "-l", "0.0.0.0,::"])
  }
}

extension Question {
  /// A frame header (request 1, datagram 0 of 1) and a command.
  fileprivate static let version = Question.datagram({ header + [UInt8]("version\r\n".utf8) }) { reply in
    Array(reply.prefix(8)) == header && String(decoding: reply.dropFirst(8), as: UTF8.self).hasPrefix("VERSION ")
  }

  private static let header: [UInt8] = [0, 1, 0, 0, 0, 1, 0, 0]
}
