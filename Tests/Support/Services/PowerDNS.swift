extension RealService {
  /// PowerDNS on the wildcard, with a socket for each of two threads.
  public static let powerDNS = RealService(
    name: "pdns_server", package: "pdns-server", program: "pdns_server", port: 53, v4: .answersFromTheAddressAsked,
    v6: .answersFromTheAddressAsked, question: .dig
  ) { site in
    let zone = try site.writeZone()
    try site.folder.write("zone \"example.test\" { type master; file \"\(zone)\"; };\n", to: "zones")
    try site.folder.write(
      """
      launch=bind
      bind-config=\(site.path)/zones
      module-dir=\(FetchedPrograms.libraryFolder("pdns"))
      local-address=0.0.0.0, ::
      local-port=\(site.port)
      socket-dir=\(site.path)
      guardian=no
      daemon=no
      receiver-threads=2
      reuseport=yes

      """, to: "pdns.conf")
    return Launch(arguments: ["--config-dir=\(site.path)"])
  }
}
