extension RealService {
  /// NSD on the wildcard.
  public static let nsd = nsd("nsd", "server-count: 1")
  /// The same with two processes, each with sockets of its own.
  public static let nsdProcesses = nsd("nsd reuseport", "server-count: 2\n  reuseport: yes")

  private static func nsd(_ name: String, _ option: String) -> RealService {
    RealService(
      name: name, package: "nsd", program: "nsd", port: 53, v4: .answersByRouting, v6: .answersByRouting, question: .dig
    ) { site in
      _ = try site.writeZone()
      try site.folder.write(configuration(site, option), to: "nsd.conf")
      return Launch(arguments: ["-d", "-c", "nsd.conf"])
    }
  }

  private static func configuration(_ site: ServiceSite, _ option: String) -> String {
    """
    server:
      ip-address: 0.0.0.0
      ip-address: ::0
      port: \(site.port)
      username: ""
      zonesdir: "\(site.path)"
      zonelistfile: "\(site.path)/zones"
      xfrdfile: "\(site.path)/transfers"
      xfrdir: "\(site.path)"
      pidfile: "\(site.path)/pid"
      database: ""
      \(option)
    remote-control:
      control-enable: no
    zone:
      name: example.test
      zonefile: zone

    """
  }
}
