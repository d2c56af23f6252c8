import Linux

/// Which network namespace is meant, in words that people know it by.
package struct Place: Hashable, Sendable {
  /// By what it is known.
  package enum Name: Hashable, Sendable {
    /// The one that this program runs in.
    case here
    /// A container's, by its identifier, and the engine's name if that is known.
    case container(String, engine: String?)
    /// One that `ip netns` has given a name.
    case named(String)
    /// One that has only processes.
    case anonymous
  }

  /// By what it is known.
  package let name: Name
  /// A process within it, the oldest; nil where there is none.
  package let process: Int32?
  /// That process's name, fit to be shown.
  package let processName: String?

  /// The namespace that this program runs in.
  package static let here = Place(.here)

  /// A place in all its parts.
  package init(_ name: Name, process: Int32? = nil, processName: String? = nil) {
    self.name = name
    self.process = process
    self.processName = processName?.printable
  }

  /// Whether it is the namespace that this program runs in.
  package var isHere: Bool { name == .here }

  /// What a command has to begin with to run there; empty for here.
  package var prefix: String {
    switch (name, process) {
    case (.here, _): ""
    case (.named(let name), nil): "ip netns exec \(name.shellWord) "
    case (_, .some(let process)): "nsenter -t \(process) -n "
    case (_, nil): ""
    }
  }
}

/// What a process's control groups tell of the container that it runs in (cgroups(7), /proc/PID/cgroup).
package enum ContainerName {
  /// The words by which engines mark their groups: docker-ID.scope, libpod-ID.scope, cri-containerd-ID.scope, /docker/ID.
  private static let engines = [
    ("docker", "docker"), ("libpod", "podman"), ("cri-containerd", "containerd"), ("crio", "cri-o"),
    ("containerd", "containerd"), ("kubepods", "kubernetes"),
  ]

  /// How much of an identifier people see elsewhere: `docker ps` shows twelve digits.
  private static let shownDigits = 12

  /// Reads the file's text.
  ///
  /// - Returns: nil for a process of the host's own.
  package static func read(_ text: String) -> Place.Name? {
    for line in text.split(separator: "\n") {
      let path = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).last ?? ""
      if let name = name(inPath: path) { return name }
    }
    return nil
  }

  private static func name(inPath path: Substring) -> Place.Name? {
    let parts = path.split(separator: "/")
    for (index, part) in parts.enumerated().reversed() {
      if part.hasPrefix("lxc.payload.") { return .container(String(part.dropFirst(12)), engine: "lxc") }
      if part == "lxc", index + 1 < parts.count { return .container(String(parts[index + 1]), engine: "lxc") }
      if part.hasPrefix("systemd-nspawn@"), part.hasSuffix(".service") {
        return .container(String(part.dropFirst(15).dropLast(8)), engine: "systemd-nspawn")
      }
      guard let identifier = identifier(in: part) else { continue }
      let engine = engines.first { mark, _ in path.contains(mark) }?.1
      return .container(String(identifier.prefix(shownDigits)), engine: engine)
    }
    return nil
  }

  /// The 64 hexadecimal digits that every engine but lxc names containers by.
  private static func identifier(in part: Substring) -> Substring? {
    part.split { !$0.isHexDigit }.first { $0.count == 64 }
  }
}
