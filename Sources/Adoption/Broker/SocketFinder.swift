import Linux

/// Finds whose a socket is, and gets a copy of it. The only place where another process is reached into.
struct SocketFinder {
  private var known: [UInt64: SocketHolder] = [:]

  /// How often to look again for a socket whose holder has given it up meanwhile: a process that forks shows its child for
  /// a moment, before that executes something else.
  private static let attempts = 5

  /// What can be told of these sockets.
  mutating func facts(of entries: [UDPSocketEntry]) -> [SocketFacts] {
    known = known.filter { known in entries.contains { $0.inode == known.key } }
    return entries.map { entry in
      do throws(Errno) {
        let (copy, holder) = try share(entry)
        return SocketFacts(
          inode: entry.inode,
          view: .open(holder, sharesPort: copy.sharesPort, reusesAddress: copy.reusesAddress))
      } catch {
        return SocketFacts(inode: entry.inode, view: known[entry.inode].map { .closed($0) } ?? .hidden)
      }
    }
  }

  /// A copy of a socket, to be given up at once: as long as there is one, the port stays in use after the service's end.
  ///
  /// - Throws: ESRCH when nobody is seen who has it, EPERM without the right to trace that process.
  mutating func borrow(_ entry: UDPSocketEntry) throws(Errno) -> Socket { try share(entry).copy }

  private mutating func share(_ entry: UDPSocketEntry) throws(Errno) -> (copy: Socket, holder: SocketHolder) {
    for _ in 0..<Self.attempts {
      guard let holder = known[entry.inode] ?? Self.find(entry.inode) else { throw .noProcess }
      known[entry.inode] = holder
      do throws(Errno) {
        let copy = try Self.copy(entry.inode, of: holder)
        // Without it, nothing can be bound beside the socket.
        guard entry.user == UserIdentity.effective || Capability.setUser.isEffective else { throw Errno.notPermitted }
        return (copy, holder)
      } catch {
        if error == .notPermitted { throw error }
        known[entry.inode] = nil
      }
    }
    throw .noProcess
  }

  private static func find(_ inode: UInt64) -> SocketHolder? {
    SocketHolder.first(of: [inode])[inode] ?? probe(for: inode)
  }

  private static func copy(_ inode: UInt64, of holder: SocketHolder) throws(Errno) -> Socket {
    let copy = try ProcessHandle(holder.id).duplicate(holder.descriptor)
    // The number may mean something else by now.
    guard copy.inode == inode else { throw .noProcess }
    return copy
  }

  /// With CAP_SYS_PTRACE alone, another user's /proc/PID/fd cannot be listed, but its descriptors can be copied: so they
  /// are tried one after the other, of the youngest process first.
  private static func probe(for wanted: UInt64) -> SocketHolder? {
    guard Capability.trace.isEffective else { return nil }
    for process in SocketHolder.processes {
      guard let handle = try? ProcessHandle(process) else { continue }
      for number in 0..<descriptorTableSize(of: process) where (try? handle.duplicate(number).inode) == wanted {
        return SocketHolder(id: process, name: SocketHolder.name(of: process), descriptor: number)
      }
    }
    return nil
  }

  /// FDSize of /proc/PID/status, which everybody may read (proc(5)): no descriptor has a higher number.
  private static func descriptorTableSize(of process: Int32) -> Int32 {
    let line = ProcFile.read("/proc/\(process)/status")?.split(separator: "\n").first { $0.hasPrefix("FDSize:") }
    return line?.split(separator: "\t").last.flatMap { Int32($0) } ?? 0
  }
}
