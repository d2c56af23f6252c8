import Glibc
public import Linux

/// A Prometheus of Debian's that scrapes one target, several times a second.
public final class Prometheus: Sendable {
  /// Why there is none, or nil.
  public static let obstacle =
    FetchedPrograms.obstacle(to: "prometheus") ?? FetchedPrograms.obstacle(to: "promtool", of: "prometheus")

  private let process: ManagedProcess
  private let namespace: NetworkNamespace
  private let place: ListeningSocket.Place
  private let folder: TemporaryFolder

  /// Starts one, and waits until it answers questions.
  ///
  /// - Parameters:
  ///   - target: as in `127.0.0.1:9478`.
  ///   - endpoint: where it is asked.
  /// - Throws: `TestFailure` when it does not start.
  public init(scraping target: String, in namespace: NetworkNamespace, at endpoint: Endpoint) throws {
    folder = try TemporaryFolder()
    let configuration = try folder.write(
      """
      global: {scrape_interval: 200ms, scrape_timeout: 200ms}
      scrape_configs:
        - job_name: multihomed
          static_configs: [{targets: ['\(target)']}]

      """, to: "prometheus.yml")
    process = try ManagedProcess(
      try FetchedPrograms.demand("prometheus"),
      [
        "--config.file=\(configuration)", "--storage.tsdb.path=\(folder.path)/data",
        "--web.listen-address=\(endpoint)", "--web.console.libraries=\(folder.path)",
        "--web.console.templates=\(folder.path)",
      ], in: namespace)
    self.namespace = namespace
    place = .network(endpoint)
    let process = process
    try eventually("Prometheus is ready", within: .seconds(60)) {
      if let exit = process.exit { throw TestFailure("Prometheus has ended: \(exit); \(process.lines().suffix(5))") }
      return (try? HTTPAnswer.get("/-/ready", from: place, in: namespace))?.status == 200
    }
  }

  /// Asks a question in PromQL.
  ///
  /// - Returns: each value, by its labels but for `instance` and `job`: `relay=default`.
  /// - Throws: `TestFailure` when it has no answer.
  public func query(_ question: String) throws -> [String: String] {
    let escaped = question.utf8.map { byte in
      let hex = String(byte, radix: 16)
      return "%" + (hex.count < 2 ? "0" : "") + hex
    }.joined()
    let answer = try HTTPAnswer.get("/api/v1/query?query=\(escaped)", from: place, in: namespace)
    guard answer.status == 200, let results = try JSON(parsing: answer.body)["data"]?["result"]?.array else {
      throw TestFailure("\(question): \(answer)")
    }
    var values: [String: String] = [:]
    for result in results {
      let labels = (result["metric"]?.object ?? [:]).filter { !["instance", "job", "__name__"].contains($0.key) }
      let key = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.string ?? "")" }.joined(separator: ",")
      values[key] = result["value"]?[1]?.string
    }
    return values
  }

  /// What promtool finds wrong with a text of metrics; nothing when it is good.
  ///
  /// - Throws: what `ManagedProcess` throws.
  public static func complaints(about text: String) throws -> String {
    let process = try ManagedProcess(try FetchedPrograms.demand("promtool"), ["check", "metrics"], input: text)
    let exit = try process.waitForExit(within: .seconds(30))
    let said = process.lines().joined(separator: "\n")
    return exit == .status(0) ? said : "\(exit): \(said)"
  }
}
