extension RealService {
  /// Kamailio, whose two processes hear the same sockets.
  public static let kamailio = RealService(
    name: "kamailio", package: "kamailio", program: "kamailio", port: 5060, v4: .answersByRouting,
    v6: .answersByRouting, question: .options
  ) { site in
    try site.folder.write(
      """
      debug=2
      log_stderror=yes
      children=2
      disable_tcp=yes
      listen=udp:0.0.0.0:\(site.port)
      listen=udp:[::]:\(site.port)
      loadmodule "sl.so"
      request_route {
        sl_send_reply("200", "OK");
      }

      """, to: "kamailio.cfg")
    let modules = FetchedPrograms.libraryFolder("kamailio/modules")
    return Launch(
      arguments: [
        "-DD", "-E", "-m", "16", "-M", "4", "-f", "kamailio.cfg", "-L", modules, "-w", site.path, "-Y", site.path,
      ])
  }
}

extension Question {
  /// A SIP client asks what the server can do (RFC 3261, 11).
  fileprivate static let options = Question.datagram({
    let lines = [
      "OPTIONS sip:example.test SIP/2.0", "Via: SIP/2.0/UDP client.invalid;branch=z9hG4bK1;rport",
      "From: <sip:somebody@example.test>;tag=1", "To: <sip:example.test>", "Call-ID: 1", "CSeq: 1 OPTIONS",
      "Content-Length: 0", "", "",
    ]
    return [UInt8](lines.joined(separator: "\r\n").utf8)
  }) { String(decoding: $0, as: UTF8.self).hasPrefix("SIP/2.0 200 OK\r\n") }
}
