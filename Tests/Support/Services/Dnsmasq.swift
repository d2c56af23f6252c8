extension RealService {
  /// One wildcard socket a family, as it is by default.
  public static let dnsmasq = dnsmasq("dnsmasq", [])
  /// A socket for each address, also for those that come later.
  public static let dnsmasqDynamic = dnsmasq(
    "dnsmasq --bind-dynamic", ["--bind-dynamic"], readiness: .socketOnEveryAddress(v6: true))

  /// It becomes nobody else, and reads and writes no file of the host.
  private static func dnsmasq(
    _ name: String, _ options: [String], readiness: Readiness = .socket
  ) -> RealService {
    RealService(
      name: name, package: "dnsmasq-base", program: "dnsmasq", port: 53, v4: .answersFromTheAddressAsked,
      v6: .answersFromTheAddressAsked, readiness: readiness, question: .dig
    ) { site in
      let usual = [
        "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--port=\(site.port)",
        "--address=/example.test/192.0.2.7",
      ]
      return Launch(arguments: usual + options)
    }
  }
}
