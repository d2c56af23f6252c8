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
  /// - Throws: ESRCH when nobody is seen who has it, EPERM without the right to trace that process, EMFILE.
  mutating func borrow(_ entry: UDPSocketEntry) throws(Errno) -> Socket { try share(entry).copy }

  private mutating func share(_ entry: UDPSocketEntry) throws(Errno) -> (copy: Socket, holder: SocketHolder) {
    for _ in 0..<Self.attempts {
      guard let holder = known[entry.inode] ?? Self.find(entry) else { throw .noProcess }
      known[entry.inode] = holder
      do throws(Errno) {
        let copy = try Self.copy(entry.inode, of: holder)
        // Without it, nothing can be bound beside the socket.
        guard entry.user == UserIdentity.effective || Capability.setUser.isEffective else { throw Errno.notPermitted }
        return (copy, holder)
      } catch {
        if error == .notPermitted || error.isForWantOfDescriptors { throw error }
        known[entry.inode] = nil
      }
    }
    throw .noProcess
  }

  private static func find(_ entry: UDPSocketEntry) -> SocketHolder? {
    SocketHolder.first(of: [entry.inode])[entry.inode] ?? DescriptorProbe.search(for: entry)
  }

  private static func copy(_ inode: UInt64, of holder: SocketHolder) throws(Errno) -> Socket {
    let copy = try ProcessHandle(holder.id).duplicate(holder.descriptor)
    // The number may mean something else by now.
    guard copy.inode == inode else { throw .noProcess }
    return copy
  }
}
