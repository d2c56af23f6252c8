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
    try self.init(path: path, pid: pid, folders: Instances.folders(environment))
  }

  /// The same in other folders.
  package init(path: String? = nil, pid: String? = nil, folders: [String]) throws(OperatorFailure) {
    self.path = path
    self.folders = folders
    guard let pid else {
      self.pid = nil
      return
    }
    guard let number = Int(pid), number > 0 else {
      throw .usage("--pid '\(pid)' is no process number; give one above 0, as told by: multihomed status")
    }
    self.pid = number
  }

  /// One that has told its status.
  struct Answered {
    let client: AdminClient
    let status: Status
    let json: JSONValue

    init(_ client: AdminClient) throws(OperatorFailure) {
      self.client = client
      (status, json) = try Status.ask(client)
    }
  }

  /// Everybody who is meant.
  struct All {
    var answered: [Answered] = []
    /// Who may be meant, too, but could not be asked.
    var missed: [Instances.Missed] = []
  }

  /// Asks everybody who is meant.
  ///
  /// - Throws: when that is nobody.
  func all() throws(OperatorFailure) -> All {
    if let path { return All(answered: [try Answered(AdminClient(path: path))]) }
    let instances = Instances(in: folders)
    var all = All(missed: instances.missed)
    for found in instances.reachable where mayBeMeant(found.process) {
      do throws(OperatorFailure) { all.answered.append(try Answered(found.client)) } catch {
        all.missed.append(Instances.Missed(process: found.process, failure: error))
      }
    }
    if let pid {
      all.answered.removeAll { $0.status.pid != pid }
      // Nobody else is meant.
      if !all.answered.isEmpty { all.missed = [] }
      if let known = all.missed.first(where: { $0.process == pid }) { all.missed = [known] }
    }
    if all.answered.isEmpty, all.missed.isEmpty { throw nobody }
    return all
  }

  /// The only one who is meant.
  ///
  /// - Throws: when that is nobody, or when it must be said who.
  func one() throws(OperatorFailure) -> (client: AdminClient, status: Status) {
    let all = try all()
    if all.answered.isEmpty, all.missed.count == 1 || pid != nil { throw all.missed[0].failure }
    guard all.answered.count == 1, all.missed.isEmpty else {
      throw several(all.answered.map(\.status.pid), all.missed)
    }
    return (all.answered[0].client, all.answered[0].status)
  }

  /// The only one who is meant, who is not asked for its status.
  ///
  /// - Throws: as above.
  func socket(within limit: Nanoseconds) throws(OperatorFailure) -> AdminClient {
    if let path { return AdminClient(path: path) }
    let instances = Instances(in: folders, within: limit)
    let found = instances.reachable.filter { pid == nil || $0.process == pid }
    let missed = found.isEmpty || pid == nil ? instances.missed : []
    if found.isEmpty, let first = missed.first, missed.count == 1 || pid != nil { throw first.failure }
    if found.isEmpty, missed.isEmpty { throw nobody }
    guard found.count == 1, missed.isEmpty else { throw several(found.compactMap(\.process), missed) }
    return found[0].client
  }

  /// Whose number is not known to us may be meant: it tells its own.
  private func mayBeMeant(_ process: Int?) -> Bool { pid == nil || process == nil || process == pid }

  private func several(_ pids: [Int], _ missed: [Instances.Missed]) -> OperatorFailure {
    let known = pids + missed.compactMap(\.process)
    let list = known.isEmpty ? "" : ": " + known.map(String.init).joined(separator: ", ")
    let count = pids.count + missed.count
    return .usage(
      (["\(count) processes are running; say which by --pid\(list)"] + missed.map(\.failure.message))
        .joined(separator: "; "))
  }

  private var nobody: OperatorFailure {
    if let pid { return OperatorFailure("no relay with pid \(pid) can be asked; see: multihomed status") }
    return OperatorFailure(
      "no relay is running that can be asked (looked in \(folders.isEmpty ? "/run/multihomed" : folders.joined(separator: ", "))); "
        + "start one, or name its socket by --admin")
  }
}
