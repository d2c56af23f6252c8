import Linux

/// A search that needs CAP_SYS_PTRACE alone. Without CAP_DAC_READ_SEARCH, another user's /proc/PID/fd cannot be listed, but
/// its descriptors can be copied (pidfd_getfd(2)): so they are tried one after the other.
enum DescriptorProbe {
  /// How many descriptors are tried, at 2 to 3 µs each: a server that holds a million of them must not make the relay wait
  /// for seconds.
  private static let budget = 100_000

  /// A holder of a socket; nil where none is found within the budget, without the right, or when descriptors run out.
  static func search(for entry: UDPSocketEntry) -> SocketHolder? {
    guard Capability.trace.isEffective else { return nil }
    var left = budget
    for (process, tableSize) in candidates(for: entry.user) {
      guard left > 0, let handle = try? ProcessHandle(process) else { continue }
      for number in 0..<min(tableSize, Int32(left)) {
        left -= 1
        do throws(Errno) {
          guard try handle.duplicate(number).inode == entry.inode else { continue }
          return SocketHolder(id: process, name: SocketHolder.name(of: process), descriptor: number)
        } catch {
          if error.isForWantOfDescriptors { return nil }
        }
      }
    }
    return nil
  }

  /// The socket's user's own processes first: a service that gave up root may have opened it before that, but most did not.
  private static func candidates(for user: UInt32) -> [(process: Int32, tableSize: Int32)] {
    let all = SocketHolder.processes.compactMap { process in
      ProcessStatus(process).map { (process: process, tableSize: $0.descriptorTableSize, isUsers: $0.user == user) }
    }
    return (all.filter(\.isUsers) + all.filter { !$0.isUsers }).map { ($0.process, $0.tableSize) }
  }
}
