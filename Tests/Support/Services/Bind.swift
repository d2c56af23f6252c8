extension RealService {
  /// BIND, with a socket for each address.
  public static let bind = RealService(
    name: "named", package: "bind9", program: "named", port: 53, v4: .answersFromTheAddressAsked,
    v6: .answersFromTheAddressAsked, readiness: .socketOnEveryAddress(v6: true), question: .dig
  ) { site in
    let zone = try site.writeZone()
    try site.folder.write(
      """
      options {
        directory "\(site.path)";
        managed-keys-directory "\(site.path)";
        pid-file none;
        session-keyfile none;
        lock-file none;
        listen-on port \(site.port) { any; };
        listen-on-v6 port \(site.port) { any; };
        recursion no;
        dnssec-validation no;
      };
      controls { };
      zone "example.test" { type primary; file "\(zone)"; };

      """, to: "named.conf")
    return Launch(arguments: ["-f", "-n", "1", "-c", "named.conf"])
  }
}
