import Glibc

extension ChildProcess {
  /// Where a program is: by PATH, and in /usr/sbin and /sbin, which an ordinary user's PATH lacks; nil when it is nowhere.
  public static func find(_ program: String, path: String) -> String? {
    let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
    for folder in folders {
      let file = "\(folder)/\(program)"
      if unsafe access(file, X_OK) == 0 { return file }
    }
    return nil
  }
}
