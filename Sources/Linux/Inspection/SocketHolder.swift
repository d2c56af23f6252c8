/// A process that has a socket open, and under which descriptor (proc(5), /proc/PID/fd).
///
/// Who is neither root nor the process's user cannot see its descriptors; then there is no holder to be found.
public struct SocketHolder: Hashable, Sendable, CustomStringConvertible {
  /// The pid.
  public let id: Int32
  /// The command's name (/proc/PID/comm), fit to be shown.
  public let name: String
  /// The process's own number for the socket.
  public let descriptor: Int32

  /// A holder in all its parts; what cannot be shown of its name is written out.
  public init(id: Int32, name: String, descriptor: Int32) {
    self.id = id
    self.name = name.printable
    self.descriptor = descriptor
  }

  /// `nc (pid 4711)`
  public var description: String { "\(name) (pid \(id))" }

  /// One holder of each socket, by inode. The youngest process is looked at first: most often asked for is a service that
  /// has just been started.
  public static func first(of inodes: Set<UInt64>) -> [UInt64: SocketHolder] {
    var found: [UInt64: SocketHolder] = [:]
    search(inodes) { inode, holder in
      if found[inode] == nil { found[inode] = holder }
      return found.count < inodes.count
    }
    return found
  }

  /// Every holder of each socket, by inode: several processes where it was inherited.
  public static func all(of inodes: Set<UInt64>) -> [UInt64: [SocketHolder]] {
    var found: [UInt64: [SocketHolder]] = [:]
    search(inodes) { inode, holder in
      found[inode, default: []].append(holder)
      return true
    }
    return found
  }

  /// The processes of this host as we see them, the youngest first as far as pids tell.
  public static var processes: [Int32] {
    ProcFile.names(in: "/proc").compactMap { Int32($0) }.sorted(by: >)
  }

  /// The name of a process, fit to be shown, or `?` when it has none or is gone. It may call itself
  /// what it likes, in 15 bytes.
  public static func name(of process: Int32) -> String {
    // The kernel ends it with a newline, which is one Character with a carriage return of the name's own.
    guard let name = ProcFile.read("/proc/\(process)/comm")?.unicodeScalars.dropLast(), !name.isEmpty else {
      return "?"
    }
    return String(name).printable
  }

  /// Looks through all descriptors until `tell` returns false.
  private static func search(_ inodes: Set<UInt64>, _ tell: (UInt64, SocketHolder) -> Bool) {
    if inodes.isEmpty { return }
    for process in processes {
      let folder = "/proc/\(process)/fd"
      for descriptor in ProcFile.names(in: folder) {
        guard let inode = inode(ofLink: ProcFile.link("\(folder)/\(descriptor)")), inodes.contains(inode),
          let number = Int32(descriptor)
        else { continue }
        if !tell(inode, SocketHolder(id: process, name: name(of: process), descriptor: number)) { return }
      }
    }
  }

  /// `socket:[4711]`
  private static func inode(ofLink link: String?) -> UInt64? {
    guard let link, link.hasPrefix("socket:["), link.hasSuffix("]") else { return nil }
    return UInt64(link.dropFirst(8).dropLast())
  }
}
