import Linux

extension RealService {
  /// FreeRADIUS, which lets everybody in.
  public static let freeRADIUS = RealService(
    name: "freeradius", package: "freeradius", program: "freeradius", port: 1812, v4: .answersFromTheAddressAsked,
    v6: .answersFromTheAddressAsked, question: .radclient
  ) { site in
    try site.folder.write(configuration(site), to: "radiusd.conf")
    return Launch(arguments: ["-f", "-l", "stdout", "-d", site.path, "-D", Question.dictionaries])
  }

  private static func configuration(_ site: ServiceSite) -> String {
    let clients = ["ipv4addr = 0.0.0.0/0", "ipv6addr = ::/0"].enumerated().map { number, address in
      "client any\(number) {\n  \(address)\n  secret = secret\n}\n"
    }
    let listeners = ["ipaddr = 0.0.0.0", "ipv6addr = ::"].map { address in
      "  listen {\n    type = auth\n    \(address)\n    port = \(site.port)\n  }\n"
    }
    return """
      prefix = \(site.path)
      logdir = \(site.path)
      run_dir = \(site.path)
      db_dir = \(site.path)
      libdir = \(FetchedPrograms.root)/usr/lib/freeradius
      name = radiusd
      \(clients.joined())
      server default {
      \(listeners.joined())
        authorize {
          update control {
            Auth-Type := Accept
          }
        }
        authenticate {
        }
      }

      """
  }
}

extension Question {
  fileprivate static let dictionaries = "\(FetchedPrograms.root)/usr/share/freeradius"

  /// radclient asks for access.
  fileprivate static let radclient = Question.program(
    "radclient", arguments: { ["-D", dictionaries, "-r", "1", "-t", "5", "\($0)", "auth", "secret"] },
    input: "User-Name=somebody,User-Password=password\n"
  ) { $0.contains("Received Access-Accept") }
}
