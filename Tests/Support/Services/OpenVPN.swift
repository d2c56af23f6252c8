extension RealService {
  /// OpenVPN between two, which hears one client only.
  public static let openvpn = openvpn("openvpn", .answersByRouting, peer, isForOneClient: true)
  /// The same with its own remedy.
  public static let openvpnMultihome = openvpn(
    "openvpn --multihome", .answersFromTheAddressAsked, peer + ["--multihome"], isForOneClient: true)
  /// OpenVPN's server for many clients.
  public static let openvpnServer = openvpn("openvpn --mode server", .answersByRouting, server)
  /// The same with its own remedy.
  public static let openvpnServerMultihome = openvpn(
    "openvpn --mode server --multihome", .answersFromTheAddressAsked, server + ["--multihome"])

  private static let peer = ["--dev", "null"]
  private static let server = ["--dev", "tun", "--mode", "server"]

  private static func openvpn(
    _ name: String, _ behaviour: Behaviour, _ options: [String], isForOneClient: Bool = false
  ) -> RealService {
    RealService(
      name: name, package: "openvpn", program: "openvpn", port: 1194, v4: behaviour, v6: behaviour,
      isForOneClient: isForOneClient, runsAsOthers: isForOneClient, device: isForOneClient ? nil : "/dev/net/tun",
      question: .hardReset
    ) { site in
      try ManagedProcess.run("openssl", certificate(in: site.path))
      let always = [
        "--proto", "udp6", "--bind", "--port", "\(site.port)", "--tls-server", "--dh", "none", "--ca", "certificate",
        "--cert", "certificate", "--key", "key", "--verb", "3",
      ]
      try OtherUsers.give("\(site.path)/key", to: site.user)
      return Launch(arguments: always + options)
    }
  }

  private static func certificate(in folder: String) -> [String] {
    [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test",
      "-days", "2", "-keyout", "\(folder)/key", "-out", "\(folder)/certificate",
    ]
  }
}

extension Question {
  /// P_CONTROL_HARD_RESET_CLIENT_V2 with a session number, no acknowledgement, and packet number 0; the server's own
  /// follows, which is number 8 (opcode in the upper five bits).
  fileprivate static let hardReset = Question.datagram({ [7 << 3, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0] }) {
    $0.count >= 14 && $0[0] == 8 << 3
  }
}
