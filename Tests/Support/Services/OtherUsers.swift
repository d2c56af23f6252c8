import Glibc
import Linux

/// Programs of other users than root.
public enum OtherUsers {
  /// One who has no name.
  public static let somebody: UInt32 = 1234

  /// Whether programs can be started as `somebody`.
  public static var arePossible: Bool { obstacle == nil }

  /// Why they cannot: we are not root, or root of a user namespace that knows nobody else (user_namespaces(7)), or others
  /// may not read the programs.
  public static let obstacle = obstacle(toRunning: FetchedPrograms.root)

  /// Why they cannot run our own program.
  public static let obstacleToOurs = (try? MultihomedProcess.path()).flatMap { obstacle(toRunning: $0) }

  private static func obstacle(toRunning path: String) -> String? {
    if geteuid() != 0 { return "only root can start programs as somebody else" }
    for map in ["uid_map", "gid_map"] where !isMapped(somebody, in: ProcFile.read("/proc/self/\(map)") ?? "") {
      return "this user namespace knows nobody but root; run the tests as root"
    }
    return closedFolder(above: path).map { "other users may not look into \($0)" }
  }

  /// Whether programs may change their groups (user_namespaces(7)).
  static var mayChangeGroups: Bool { ProcFile.read("/proc/self/setgroups") != "deny\n" }

  /// Whether a line `inside outside count` covers a number.
  static func isMapped(_ id: UInt32, in map: String) -> Bool {
    map.split(separator: "\n").contains { line in
      let numbers = line.split(separator: " ").compactMap { UInt64($0) }
      return numbers.count == 3 && numbers[0] <= id && UInt64(id) < numbers[0] + numbers[2]
    }
  }

  /// The topmost folder of a path that others cannot pass.
  private static func closedFolder(above path: String) -> String? {
    var folder = ""
    for name in path.split(separator: "/") {
      folder += "/\(name)"
      var status = stat()
      if unsafe stat(folder, &status) == 0, status.st_mode & S_IXOTH == 0 { return folder }
    }
    return nil
  }

  /// Makes a folder that belongs to a user.
  static func makeFolder(_ path: String, for user: UInt32) throws(Errno) {
    if unsafe mkdir(path, 0o755) != 0, errno != EEXIST { throw Errno(errno) }
    try give(path, to: user)
  }

  /// Gives a file or folder to a user.
  static func give(_ path: String, to user: UInt32) throws(Errno) {
    if user != 0, unsafe chown(path, user, user) != 0 { throw Errno(errno) }
  }

  /// What to put before a command so that it runs as a user (setpriv(1)). The signal at the parent's death is asked for
  /// anew, since the kernel forgets it when the user changes (prctl(2)).
  public static func command(for user: UInt32) -> [String] {
    if user == 0 { return [] }
    return [
      "setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups", "--inh-caps=-all", "--pdeathsig", "KILL",
    ]
  }
}
