package import Linux

/// The processes of this host that can be asked, by the sockets in the folders where they lie by default.
package struct Instances {
  /// One that listens.
  package struct Found {
    /// Asks it.
    package let client: AdminClient
    /// Its number; nil where our PID namespace does not know it.
    package let process: Int?
  }

  /// One that may be running, and why it is not known.
  package struct Missed {
    /// Its number, where that much is known.
    let process: Int?
    /// Why it could not be asked.
    package let failure: OperatorFailure
  }

  /// Whom there is, and who could not be asked.
  package private(set) var reachable: [Found] = []
  package private(set) var missed: [Missed] = []

  /// Looks. Sockets that nobody listens on any more are passed over, and removed where that is ours to do.
  ///
  /// - Parameters:
  ///   - folders: where `*.sock` and `*/admin.sock` are looked for.
  ///   - limit: how long all of it may take.
  package init(in folders: [String], within limit: Nanoseconds = AdminClient.patience) {
    let end = Instant.now + limit
    for folder in folders {
      for name in ProcFile.names(in: folder).sorted() {
        look(at: "\(folder)/\(name)" + (name.hasSuffix(".sock") ? "" : "/admin.sock"), until: end)
      }
    }
  }

  /// The folders: of services (RuntimeDirectory=, systemd.exec(5)), of root, of this user, and for root of every user.
  static func folders(_ environment: [String: String], isRoot: Bool = UserIdentity.effective == 0) -> [String] {
    var folders = ProcFile.names(in: "/run").filter { $0.hasPrefix("multihomed") }.sorted().map { "/run/\($0)" }
    if let own = environment["XDG_RUNTIME_DIR"], own.hasPrefix("/") { folders.append("\(own)/multihomed") }
    if isRoot { folders += ProcFile.names(in: "/run/user").sorted().map { "/run/user/\($0)/multihomed" } }
    var seen: Set<String> = []
    return folders.filter { seen.insert($0).inserted }
  }

  private mutating func look(at path: String, until end: Instant) {
    guard let file = try? FileOwner(path), file.isSocket else { return }
    do throws(OperatorFailure) {
      let line = try AdminLine(to: path, within: end - .now)
      reachable.append(Found(client: AdminClient(path: path), process: line.process))
    } catch {
      if !error.isOfTheDead { return missed.append(Missed(process: nil, failure: error)) }
      if file.user == UserIdentity.effective || UserIdentity.effective == 0 { try? FileOwner.remove(path) }
    }
  }
}
