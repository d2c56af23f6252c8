extension RealService {
  /// On the wildcard.
  public static let unbound = unbound("unbound", .answersByRouting)
  /// On the wildcard, with a socket for each of two threads.
  public static let unboundThreads = unbound(
    "unbound so-reuseport", .answersByRouting, "num-threads: 2\n  so-reuseport: yes")
  /// On the wildcard, answering from where it was asked.
  public static let unboundAutomatic = unbound(
    "unbound interface-automatic", .answersFromTheAddressAsked, "interface-automatic: yes")

  private static func unbound(_ name: String, _ behaviour: Behaviour, _ option: String = "") -> RealService {
    RealService(
      name: name, package: "unbound", program: "unbound", port: 53, v4: behaviour, v6: behaviour, question: .dig
    ) { site in
      try site.folder.write(configuration(site, option), to: "unbound.conf")
      return Launch(arguments: ["-d", "-c", "unbound.conf"])
    }
  }

  private static func configuration(_ site: ServiceSite, _ option: String) -> String {
    """
    server:
      interface: 0.0.0.0
      interface: ::0
      port: \(site.port)
      username: ""
      chroot: ""
      directory: "\(site.path)"
      pidfile: ""
      use-syslog: no
      logfile: ""
      access-control: 0.0.0.0/0 allow
      access-control: ::/0 allow
      module-config: "iterator"
      local-zone: "example.test." static
      local-data: "example.test. A 192.0.2.7"
      \(option)
    remote-control:
      control-enable: no

    """
  }
}
