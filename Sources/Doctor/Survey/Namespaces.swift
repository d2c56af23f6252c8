import Linux

/// The network namespaces of this host, as far as they can be seen: those of processes, and those with a name.
enum Namespaces {
  /// Each once, ours first, then as their oldest processes' pids are.
  static func all() -> [(Place, NetworkNamespace)] {
    let own = NetworkNamespace.current.inode
    var seen: Set<UInt64> = []
    if let own { seen.insert(own) }
    var found: [(Place, NetworkNamespace)] = [(.here, .current)]
    let names = named()
    let ourContainer = container(of: "self")
    for process in SocketHolder.processes.reversed() {
      let namespace = NetworkNamespace.of(process: process)
      guard let inode = namespace.inode, seen.insert(inode).inserted else { continue }
      let container = container(of: String(process)).flatMap { $0 == ourContainer ? nil : $0 }
      let name = container ?? names[inode].map { .named($0) } ?? .anonymous
      found.append((Place(name, process: process, processName: SocketHolder.name(of: process)), namespace))
    }
    // A namespace without a process may still have sockets: those that others hold.
    for (inode, name) in names.sorted(by: { $0.value < $1.value }) where seen.insert(inode).inserted {
      found.append((Place(.named(name)), .named(name)))
    }
    return found
  }

  private static func named() -> [UInt64: String] {
    var names: [UInt64: String] = [:]
    for name in ProcFile.names(in: "/run/netns").sorted() {
      if let inode = NetworkNamespace.named(name).inode, names[inode] == nil { names[inode] = name }
    }
    return names
  }

  private static func container(of process: String) -> Place.Name? {
    ProcFile.read("/proc/\(process)/cgroup").flatMap { ContainerName.read($0) }
  }
}
