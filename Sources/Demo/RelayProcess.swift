import Linux

/// The real relay, in a process of its own on the host.
struct RelayProcess {
  /// As one would type it.
  static let command = ["multihomed", "relay", "--listen", "5678", "--backend", "127.0.0.1:5678"]

  /// The line that it printed once it served.
  let ready: String
  private let process: ChildProcess

  /// Starts it, and waits until it serves.
  init(in namespace: NetworkNamespace) throws(DemoFailure) {
    // Settings for another relay must not reach this one.
    let environment = Environment.variables.filter { !$0.key.hasPrefix("MULTIHOMED_") }
    let process = try attempt("start the relay") { () throws(Errno) in
      try ChildProcess(ChildProcess.ourselves, RelayProcess.command, environment: environment, in: namespace)
    }
    self.process = process
    ready = try RelayProcess.readyLine(of: process)
  }

  /// Ends it at once: to end in order, it would wait for its sessions.
  func kill() { process.kill() }

  private static func readyLine(of process: ChildProcess) throws(DemoFailure) -> String {
    let end = Instant.now + .seconds(10)
    var said: [String] = []
    while let line = try attempt("hear the relay", { () throws(Errno) in try process.nextLine(within: end - .now) }) {
      if line.hasPrefix("ready") { return line }
      if !line.isEmpty { said.append(line) }
    }
    let all = said.isEmpty ? "nothing" : said.joined(separator: "; ")
    throw DemoFailure("the relay did not get ready; it says: \(all)")
  }
}
