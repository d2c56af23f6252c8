import Linux

extension RealService {
  /// chronyd, which leaves the clock alone (-x).
  public static let chronyd = RealService(
    name: "chronyd", package: "chrony", program: "chronyd", port: 123, v4: .answersFromTheAddressAsked,
    v6: .answersFromTheAddressAsked, runsAsOthers: false, question: .time
  ) { site in
    let directives = [
      "local stratum 5", "allow all", "port \(site.port)", "cmdport 0", "bindcmdaddress /", "pidfile \(site.path)/pid",
    ]
    return Launch(arguments: ["-x", "-d", "-u", "root"] + directives)
  }

  /// NTPsec, with a socket for each address, and for the wildcard too. It leaves the clock alone (disable ntp).
  public static let ntpd = RealService(
    name: "ntpd", package: "ntpsec", program: "ntpd", port: 123, v4: .answersFromTheAddressAsked,
    v6: .answersFromTheAddressAsked, runsAsOthers: false, readiness: .socketOnEveryAddress(v6: true), question: .time
  ) { site in
    try site.folder.write(
      """
      server 127.127.1.0
      fudge 127.127.1.0 stratum 5
      disable ntp
      disable kernel
      restrict default

      """, to: "ntp.conf")
    return Launch(arguments: ["-n", "-c", "ntp.conf"])
  }
}

extension Question {
  /// An NTP client's request (RFC 5905, 7.3): version 4, mode 3, and a time of transmission, which comes back as the time
  /// of origin in a server's answer (mode 4).
  fileprivate static let time = Question.datagram({ [4 << 3 | 3] + Array(repeating: 0, count: 39) + transmitted }) {
    $0.count >= 48 && $0[0] & 7 == 4 && Array($0[24..<32]) == transmitted
  }

  private static let transmitted: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
}
