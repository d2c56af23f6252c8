extension RealService {
  /// The echo service of xinetd (RFC 862).
  public static let xinetd = RealService(
    name: "xinetd echo", package: "xinetd", program: "xinetd", port: 7, v4: .answersByRouting, v6: .answersByRouting,
    runsAsOthers: false, question: .echo
  ) { site in
    try site.folder.write(
      """
      service echo
      {
        type = INTERNAL UNLISTED
        id = echo-dgram
        socket_type = dgram
        protocol = udp
        port = \(site.port)
        user = root
        wait = yes
        flags = IPv6
        disable = no
      }

      """, to: "xinetd.conf")
    return Launch(arguments: ["-dontfork", "-f", "xinetd.conf", "-pidfile", "\(site.path)/pid"])
  }
}

extension Question {
  /// Any datagram comes back.
  fileprivate static let echo = Question.datagram({ [UInt8]("hello".utf8) }) { $0 == [UInt8]("hello".utf8) }
}
