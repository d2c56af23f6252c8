import Glibc
import Linux
import Support

/// A host with a relay that is told by a file what to do, and may be told something else.
final class ReloadHost {
  let network: PairNetwork
  let relay: MultihomedProcess
  private let folder: TemporaryFolder

  private static let file = "multihomed.toml"

  /// - Parameter format: of its log; its counters can be read in JSON only.
  init(_ network: PairNetwork, _ configuration: String, format: String = "json") throws {
    self.network = network
    folder = try TemporaryFolder()
    let path = try folder.write(configuration, to: Self.file)
    relay = try MultihomedProcess.start(in: network.host, ["relay", "--config", path, "--log-format", format])
  }

  /// A relay with the built-in echo behind it.
  static func echo(_ name: String, _ port: Int, _ lines: String = "") -> String {
    "[[relay]]\nname = '\(name)'\nlisten = [\(port)]\nbackend = 'echo'\n\(lines)\n"
  }

  /// Writes another configuration and waits until the process has taken it up.
  func reload(_ configuration: String) throws {
    try tell(configuration)
    try waitForLine("configuration reloaded")
  }

  /// Writes another configuration and waits until the process has refused it.
  ///
  /// - Returns: why.
  func reloadInVain(_ configuration: String?) throws -> String {
    try tell(configuration)
    return try waitForLine("the configuration stays as it was: ")
  }

  private var mark: ManagedProcess.Mark?

  /// Takes the file away.
  func removeFile() { _ = unsafe unlink("\(folder.path)/\(Self.file)") }

  /// Writes another configuration, of which the process is not told.
  func write(_ configuration: String) throws { _ = try folder.write(configuration, to: Self.file) }

  private func tell(_ configuration: String?) throws {
    if let configuration { try write(configuration) }
    mark = relay.process.mark
    relay.process.signal(SIGHUP)
  }

  @discardableResult
  private func waitForLine(_ text: String) throws -> String {
    guard let mark else { throw TestFailure("nothing was told") }
    return try relay.process.waitForLine(containing: text, of: .error, since: mark)
  }

  /// A client of one of the host's addresses.
  func client(of asked: String) throws -> UDPClient { try UDPClient(in: network.client, to: .of(asked)) }

  /// Waits until nobody listens at an endpoint of the host.
  func expectNobody(at endpoint: String) throws {
    let endpoint = try Endpoint.of(endpoint)
    try eventually("nobody listens at \(endpoint)") {
      try !KernelView(relay).addresses(at: endpoint.port).contains(endpoint.address)
    }
  }

  /// What a relay counts now; nil when there is none of that name.
  func ledger(of name: String) throws -> Ledger? {
    let counters = try relay.counters()
    let relays = counters["counters"]?["relays"]?.array ?? []
    return try relays.first { $0["name"]?.string == name }.map { try Ledger(relay: $0) }
  }
}
