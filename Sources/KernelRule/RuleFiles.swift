import Linux

/// Where the rule's files are.
package enum RuleFiles {
  /// The folder, for every network namespace of this host.
  package static let folder = "/run/multihomed"
  /// How many records of namespaces that seem to be gone are kept. Each is 8 KB with one port and 76 KB with 64, in memory as
  /// /run is.
  package static let mostStrangers = 64

  /// The name of the record of the network namespace that we are in, which has a ruleset of its own.
  ///
  /// - Throws: what `NetworkNamespace.currentCookie()` throws.
  static func record() throws(Errno) -> String { "kernel-\(try NetworkNamespace.currentCookie())" }

  /// Removes records that nobody needs: those of another boot; and of namespaces that are gone, when there are more than a
  /// few. Those are namespaces that no process that we see is in, and that have no name in /run/netns. Who hides in a container
  /// of its own, from which we see nobody else, may be among them: then `show` there does not miss what is flushed any more.
  ///
  /// - Parameters:
  ///   - path: the folder.
  ///   - name: the record that is left in any case.
  package static func clear(_ path: String, sparing name: String, at place: RulePlace = .current) {
    guard let folder = try? StateFolder(path) else { return }
    let names = ProcFile.names(in: path).filter { $0 != name && isRecord($0) }
    var strangers: [String] = []
    let seen = names.count > mostStrangers ? inodes() : []
    for name in names {
      guard let record = folder.read(name).map({ RuleRecord($0) }) else { continue }
      if record?.place.boot != place.boot {
        folder.remove(name)
      } else if let record, !seen.contains(record.place.namespace) {
        strangers.append(name)
      }
    }
    if strangers.count > mostStrangers { strangers.forEach(folder.remove) }
  }

  /// `kernel-COOKIE`, and not its lock.
  private static func isRecord(_ name: String) -> Bool {
    name.hasPrefix("kernel-") && UInt64(name.dropFirst("kernel-".count)) != nil
  }

  /// The network namespaces that can be seen.
  private static func inodes() -> Set<UInt64> {
    let named = ProcFile.names(in: "/run/netns").map { NetworkNamespace.named($0) }
    let held = SocketHolder.processes.map { NetworkNamespace.of(process: $0) }
    return Set((named + held).compactMap(\.inode))
  }
}
