import Glibc
import Linux
import Support

/// A host with a relay that can be asked about itself.
final class AdminHost {
  /// Two relays, one with a multiplexed and one with a connected upstream.
  static let two =
    ReloadHost.echo("dns", 5678, "max-sessions = 1000") + ReloadHost.echo("voice", 5679, "upstream = 'connected'")

  let network: PairNetwork
  let relay: MultihomedProcess
  /// Where its socket is.
  let path: String
  private let folder: TemporaryFolder

  /// - Parameters:
  ///   - configuration: a file's text; nil for a relay of port 5678 with the built-in echo behind it.
  ///   - options: beside it.
  init(_ configuration: String? = nil, _ options: [String] = [], format: String = "json") throws {
    network = try PairNetwork()
    // No address that becomes usable only while the test goes on.
    for end in [network.host, network.client] { try end.ip(["address flush dev eth0 scope link"]) }
    let folder = try TemporaryFolder()
    self.folder = folder
    path = "\(folder.path)/admin.sock"
    let what =
      try configuration.map { ["--config", try folder.write($0, to: "multihomed.toml")] }
      ?? ["--listen", "5678", "--backend", "echo"]
    relay = try MultihomedProcess.start(
      in: network.host, ["relay"] + what + options + ["--log-format", format], environment: ["MULTIHOMED_ADMIN": path])
  }

  /// Writes another configuration, and has it taken up.
  func tell(_ configuration: String) throws {
    try folder.write(configuration, to: "multihomed.toml")
    relay.process.signal(SIGHUP)
  }

  /// A client of one of the host's addresses.
  func client(of asked: String = "10.1.0.1:5678") throws -> UDPClient {
    try UDPClient(in: network.client, to: .of(asked))
  }

  /// Runs a command against it, to its end.
  func run(
    _ arguments: String..., environment: [String: String] = [:], within limit: Nanoseconds = .seconds(60)
  ) throws -> Ran {
    try Ran(arguments + ["--admin", path], environment: environment, within: limit)
  }

  /// The status of the one process.
  func status() throws -> JSON {
    let ran = try run("status", "--json")
    guard let status = try JSON(parsing: ran.output)[0] else { throw TestFailure("no status in \(ran.output)") }
    return status
  }

  /// The sessions that are listed, and how many were meant.
  func sessions(_ arguments: String...) throws -> (rows: [JSON], matching: Int?) {
    let ran = try Ran(["sessions", "--json"] + arguments + ["--admin", path])
    guard ran.exit == .status(0) else { throw TestFailure("sessions: \(ran.error)") }
    let json = try JSON(parsing: ran.output)
    return (json["sessions"]?.array ?? [], json["matching"]?.integer)
  }

  /// What is listed of some sessions: their clients.
  func clients(_ arguments: String...) throws -> [String] {
    let ran = try Ran(["sessions", "--json"] + arguments + ["--admin", path])
    return try JSON(parsing: ran.output)["sessions"]?.array?.compactMap { $0["client"]?.string } ?? []
  }
}

/// The real program, run to its end.
struct Ran {
  let exit: ManagedProcess.Exit
  let output: String
  let error: String

  init(
    _ arguments: [String], environment: [String: String] = [:], within limit: Nanoseconds = .seconds(60)
  ) throws {
    let process = try ManagedProcess(try MultihomedProcess.path(), arguments, environment: environment)
    exit = try process.waitForExit(within: limit)
    output = process.text(of: .output)
    error = process.text(of: .error)
  }
}
