extension RealService {
  /// xl2tpd.
  public static let xl2tpd = RealService(
    name: "xl2tpd", package: "xl2tpd", program: "xl2tpd", port: 1701, v4: .answersByRouting, v6: .doesNotListen,
    runsAsOthers: false, question: .startTunnel
  ) { site in
    try site.folder.write(
      """
      [global]
      port = \(site.port)
      [lns default]
      ip range = 10.9.0.2-10.9.0.9
      local ip = 10.9.0.1

      """, to: "xl2tpd.conf")
    let files = ["-c", "xl2tpd.conf", "-s", "/dev/null", "-p", "\(site.path)/pid", "-C", "\(site.path)/control"]
    return Launch(arguments: ["-D"] + files)
  }
}

extension Question {
  /// Start-Control-Connection-Request, answered by -Reply (RFC 2661, 6.1 and 6.2): a header of 12 bytes, then the message's
  /// type, and for the request version, host name, framing, and a tunnel's number that no other asking has.
  fileprivate static let startTunnel = Question.datagram({
    let tunnel = UInt16.random(in: 1...UInt16.max)
    let attributes: [[UInt8]] = [
      [0x80, 8, 0, 0, 0, 0, 0, 1], [0x80, 8, 0, 0, 0, 2, 1, 0], [0x80, 7, 0, 0, 0, 7, 0x61],
      [0x80, 10, 0, 0, 0, 3, 0, 0, 0, 3], [0x80, 8, 0, 0, 0, 9, UInt8(tunnel >> 8), UInt8(truncatingIfNeeded: tunnel)],
    ]
    let body = attributes.flatMap { $0 }
    return [0xc8, 2, 0, UInt8(12 + body.count), 0, 0, 0, 0, 0, 0, 0, 0] + body
  }) { $0.count >= 20 && $0[0] == 0xc8 && Array($0[12..<20]) == [0x80, 8, 0, 0, 0, 0, 0, 2] }
}
