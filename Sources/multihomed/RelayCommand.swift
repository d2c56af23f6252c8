import ArgumentParser
import Linux
import Service

struct RelayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay",
    abstract: "Listen on every address of this host, and forward to a service.",
    discussion: """
      Prints a line that begins with "ready" once it serves, then logs to standard error. SIGTERM and SIGINT end it in \
      order, a second one at once; SIGHUP reads the configuration file again; SIGUSR1 logs the counters; SIGUSR2 starts the \
      program anew, which takes over the listeners and the sessions.

      Durations are a whole number and a unit: 50us, 500ms, 30s, 5m, 1h. Every option can also be set in the environment, as \
      in MULTIHOMED_LISTEN=53,5000-5010 MULTIHOMED_LOOPBACK=true; the command line wins.

      Examples:
        multihomed relay --listen 5678 --backend 127.0.0.1:5678
        multihomed relay --listen 53 --backend [::1]:5353 --interface 'eth*'
        multihomed relay --config /etc/multihomed/multihomed.toml
      """)

  @OptionGroup
  var file: ConfigOption

  @OptionGroup(title: "Route")
  var route: RouteOptions

  @OptionGroup(title: "Which addresses to listen on")
  var filter: FilterOptions

  @OptionGroup(title: "Which addresses to listen on")
  var loopback: LoopbackOption

  @OptionGroup(title: "Sessions")
  var sessions: SessionOptions

  @OptionGroup(title: "Process")
  var process: ProcessOptions

  func run() throws {
    // What the file's capabilities, or the environment, give for other commands is not for whoever reads from the network.
    if UserIdentity.effective != 0 { try? Rights.keepOnly([.bindService, .networkAdmin]) }
    let commandLine = together(route.values, filter.values, loopback.values, sessions.values, process.values)
    let status = try start(commandLine, Environment.variables, Predecessor.ofThisProcess())
    if status != 0 { throw ExitCode(status) }
  }

  private func start(
    _ commandLine: [Setting: [String]], _ environment: [String: String], _ predecessor: Predecessor?
  ) throws -> Int32 {
    guard let path = file.path else {
      return try Supervisor.run(
        ProcessConfiguration(Settings(commandLine: commandLine, environment: environment)), predecessor: predecessor)
    }
    let read = { () throws(ConfigurationFileError) in
      try ConfigurationFile.read(path, commandLine: commandLine, environment: environment)
    }
    return try Supervisor.run(read(), reread: read, predecessor: predecessor)
  }
}
