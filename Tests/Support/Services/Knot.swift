extension RealService {
  /// Knot on the wildcard, with a socket for each of two workers.
  public static let knot = RealService(
    name: "knotd", package: "knot", program: "knotd", port: 53, v4: .answersFromTheAddressAsked,
    v6: .answersFromTheAddressAsked, question: .dig
  ) { site in
    let database = try site.makeFolder("database")
    _ = try site.writeZone()
    try site.folder.write(
      """
      server:
        rundir: "\(site.path)"
        pidfile: pid
        listen: [ 0.0.0.0@\(site.port), "::@\(site.port)" ]
        udp-workers: 2
        tcp-workers: 1
        background-workers: 1
      control:
        listen: control
      database:
        storage: "\(database)"
      log:
        - target: stderr
          any: info
      zone:
        - domain: example.test
          storage: "\(site.path)"
          file: zone

      """, to: "knot.conf")
    return Launch(arguments: ["-c", "knot.conf"])
  }
}
