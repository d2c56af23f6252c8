import Linux

extension RealService {
  /// tftpd-hpa; each file comes from a port of its own.
  public static let tftpd = RealService(
    name: "in.tftpd", package: "tftpd-hpa", program: "in.tftpd", port: 69, v4: .answersFromTheAddressAsked,
    v6: .answersFromTheAddressAsked, runsAsOthers: false, changesGroups: true, question: .file
  ) { Launch(arguments: ["-L", "-u", "root", "-a", ":\($0.port)", "-s", try served($0)]) }

  /// atftpd; each file comes from a port of its own.
  public static let atftpd = RealService(
    name: "atftpd", package: "atftpd", program: "atftpd", port: 69, v4: .answersFromTheAddressAsked,
    v6: .doesNotListen, runsAsOthers: false, question: .file
  ) { site in
    let options = ["--daemon", "--no-fork", "--user", "root", "--group", "root", "--logfile", "-"]
    return Launch(arguments: options + ["--port", "\(site.port)", try served(site)])
  }

  private static func served(_ site: ServiceSite) throws -> String {
    let folder = try site.makeFolder("served")
    try site.folder.write("answer\n", to: "served/data")
    return folder
  }
}

extension Question {
  /// The client of tftp-hpa fetches a file.
  fileprivate static let file = Question.program(
    "tftp", arguments: { ["-m", "binary", "\($0.address)", "\($0.port)", "-c", "get", "data", "/dev/stdout"] }
  ) { $0.contains("answer") }
}
