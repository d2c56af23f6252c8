import JSON
import Linux

/// Whom a command is for.
public struct InstanceChoice: Sendable {
  private let path: String?
  private let pid: Int?
  private let folders: [String]

  /// - Parameters:
  ///   - path: the admin socket; nil for those in the default folders.
  ///   - pid: the process's number; nil for any.
  ///   - environment: XDG_RUNTIME_DIR is asked for.
  /// - Throws: where the number is none.
  public init(path: String?, pid: String?, environment: [String: String]) throws(OperatorFailure) {
    self.path = path
    folders = Instances.folders(environment)
    guard let pid else {
      self.pid = nil
      return
    }
    guard let number = Int(pid), number > 0 else {
      throw .usage("'\(pid)' is no process number; see which there are by: multihomed status")
    }
    self.pid = number
  }

  /// Everybody who is meant, with the status of each.
  ///
  /// - Throws: when that is nobody.
  func all() throws(OperatorFailure) -> [(client: AdminClient, status: Status, json: JSONValue)] {
    if let path {
      let client = AdminClient(path: path)
      let (status, json) = try Status.ask(client)
      return [(client, status, json)]
    }
    let instances = Instances(in: folders)
    var found: [(client: AdminClient, status: Status, json: JSONValue)] = []
    var failures = instances.troubled
    for client in instances.reachable {
      do throws(OperatorFailure) {
        let (status, json) = try Status.ask(client)
        found.append((client, status, json))
      } catch { failures.append(error) }
    }
    if let pid { found = found.filter { $0.status.pid == pid } }
    if !found.isEmpty { return found }
    if let failure = failures.first { throw failure }
    if let path = instances.forbidden.first { throw .forbidden(path) }
    throw nobody
  }

  /// The only one who is meant.
  ///
  /// - Throws: when that is nobody, or when it must be said who.
  func one() throws(OperatorFailure) -> (client: AdminClient, status: Status) {
    let found = try all()
    guard found.count == 1 else {
      let pids = found.map { "\($0.status.pid)" }.joined(separator: ", ")
      throw .usage("\(found.count) processes are running; say which by --pid: \(pids)")
    }
    return (found[0].client, found[0].status)
  }

  private var nobody: OperatorFailure {
    if let pid { return OperatorFailure("no relay with pid \(pid) can be asked; see: multihomed status") }
    return OperatorFailure(
      "no relay is running that can be asked (looked in \(folders.isEmpty ? "/run/multihomed" : folders.joined(separator: ", "))); "
        + "start one, or name its socket by --admin")
  }
}
