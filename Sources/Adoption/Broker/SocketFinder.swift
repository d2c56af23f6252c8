import Linux

/// Finds whose a socket is, and gets a copy of it. The only place where another process is reached into.
struct SocketFinder {
  private var known: [UInt64: SocketHolder] = [:]

  /// What can be told of these sockets.
  mutating func facts(of entries: [UDPSocketEntry]) -> [SocketFacts] {
    find(Set(entries.map(\.inode)))
    return entries.map { entry in
      guard let holder = known[entry.inode] else { return SocketFacts(inode: entry.inode, view: .hidden) }
      guard let copy = try? Self.copy(entry.inode, of: holder) else {
        return SocketFacts(inode: entry.inode, view: .closed(holder))
      }
      return SocketFacts(
        inode: entry.inode,
        view: .open(holder, sharesPort: copy.sharesPort, reusesAddress: copy.reusesAddress))
    }
  }

  /// A copy of a socket, to be given up at once: as long as there is one, the port stays in use after the service's end.
  ///
  /// - Throws: ESRCH when nobody is seen who has it, EPERM without the right to trace that process.
  mutating func borrow(_ entry: UDPSocketEntry) throws(Errno) -> Socket {
    find([entry.inode])
    guard let holder = known[entry.inode] else { throw .noProcess }
    return try Self.copy(entry.inode, of: holder)
  }

  private mutating func find(_ inodes: Set<UInt64>) {
    known = known.filter { inodes.contains($0.key) && (try? Self.copy($0.key, of: $0.value)) != nil }
    known.merge(SocketHolder.first(of: inodes.subtracting(known.keys))) { $1 }
    known.merge(Self.probe(for: inodes.subtracting(known.keys))) { $1 }
  }

  private static func copy(_ inode: UInt64, of holder: SocketHolder) throws(Errno) -> Socket {
    let copy = try ProcessHandle(holder.id).duplicate(holder.descriptor)
    // The number may mean something else by now.
    guard copy.inode == inode else { throw .noProcess }
    return copy
  }

  /// With CAP_SYS_PTRACE alone, another user's /proc/PID/fd cannot be listed, but its descriptors can be copied: so they
  /// are tried one after the other, of the youngest process first.
  private static func probe(for inodes: Set<UInt64>) -> [UInt64: SocketHolder] {
    guard !inodes.isEmpty, Capability.trace.isEffective else { return [:] }
    var found: [UInt64: SocketHolder] = [:]
    for process in SocketHolder.processes {
      guard let handle = try? ProcessHandle(process) else { continue }
      for number in 0..<descriptorTableSize(of: process) {
        guard let inode = try? handle.duplicate(number).inode, inodes.contains(inode), found[inode] == nil else {
          continue
        }
        found[inode] = SocketHolder(id: process, name: SocketHolder.name(of: process), descriptor: number)
        if found.count == inodes.count { return found }
      }
    }
    return found
  }

  /// FDSize of /proc/PID/status, which everybody may read (proc(5)): no descriptor has a higher number.
  private static func descriptorTableSize(of process: Int32) -> Int32 {
    let line = ProcFile.read("/proc/\(process)/status")?.split(separator: "\n").first { $0.hasPrefix("FDSize:") }
    return line?.split(separator: "\t").last.flatMap { Int32($0) } ?? 0
  }
}
