import Linux
import Support

/// What `multihomed doctor` says, run to its end.
struct DoctorRun {
  let exit: ManagedProcess.Exit
  let lines: [String]
  let error: String

  /// Runs it as it is, or without any capability. Without `--here` it looks at what other tests have made, too; then only
  /// what it says of certain namespaces can be told beforehand, and it must never probe.
  ///
  /// - Parameter user: as whom to run it; others than root only where `OtherUsers.arePossible`.
  init(_ arguments: String, in namespace: NetworkNamespace, isPowerless: Bool = false, user: UInt32 = 0) throws {
    let words = ["doctor"] + arguments.split(separator: " ").map(String.init)
    let process =
      isPowerless || user != 0
      ? try ManagedProcess(
        "setpriv", (user == 0 ? [] : Self.identity(user)) + Self.powerless + [MultihomedProcess.path()] + words,
        in: namespace)
      : try MultihomedProcess.launch(in: namespace, words)
    exit = try process.waitForExit(within: .seconds(30))
    lines = process.lines(of: .output)
    error = process.text(of: .error)
  }

  /// As an ordinary user is; but not as another user, whom a user namespace may not have.
  private static let powerless = ["--inh-caps=-all", "--bounding-set=-all", "--"]

  private static func identity(_ user: UInt32) -> [String] {
    ["--reuid", "\(user)", "--regid", "\(user)", "--clear-groups"]
  }

  /// The report of `--json`.
  func json() throws -> JSON {
    do {
      return try JSON(parsing: lines.joined(separator: "\n"))
    } catch {
      throw TestFailure("no JSON report, but \(exit), \(lines), \(self.error)")
    }
  }

  /// So many lines from one that begins in some way.
  func lines(_ count: Int, from beginning: String) -> [String] {
    Array(lines.drop { !$0.hasPrefix(beginning) }.prefix(count))
  }

  /// The services of our own namespace in the report of `--json`.
  func services() throws -> [JSON] { try json()["namespaces"]?[0]?["services"]?.array ?? [] }

  /// The only service of our own namespace.
  func service() throws -> JSON {
    let services = try services()
    guard services.count == 1 else { throw TestFailure("expected one service, but got \(lines)") }
    return services[0]
  }
}

extension JSON {
  /// The wrong pairs of a service, as `asked < client: source`.
  var pairs: [String] {
    (self["wrong"]?.array ?? []).map {
      "\($0["asked"]?.string ?? "") < \($0["client"]?.string ?? ""): \($0["answers_from"]?.string ?? "")"
    }
  }

  /// `faulty (answers-by-routing)`
  var verdict: String { "\(self["verdict"]?.string ?? "") (\(self["reason"]?["code"]?.string ?? ""))" }
}
