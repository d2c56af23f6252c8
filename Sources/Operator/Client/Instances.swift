import Linux

/// The processes of this host that can be asked, by the sockets in the folders where they lie by default.
package struct Instances {
  /// Whom there is, and who keeps us from asking.
  package private(set) var reachable: [AdminClient] = []
  package private(set) var forbidden: [String] = []
  package private(set) var troubled: [OperatorFailure] = []

  /// Looks. Sockets that nobody listens on any more are passed over, and removed where that is ours to do.
  package init(in folders: [String]) {
    for folder in folders {
      for name in ProcFile.names(in: folder).sorted() where name.hasSuffix(".sock") {
        look(at: AdminClient(path: "\(folder)/\(name)"))
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

  private mutating func look(at client: AdminClient) {
    guard let file = try? FileOwner(client.path), file.isSocket else { return }
    switch client.obstacle() {
    case nil: reachable.append(client)
    case .dead:
      if file.user == UserIdentity.effective || UserIdentity.effective == 0 { try? FileOwner.remove(client.path) }
    case .forbidden: forbidden.append(client.path)
    case .other(let error): troubled.append(OperatorFailure("cannot ask \(client.path): \(error)"))
    }
  }
}
