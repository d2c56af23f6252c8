import Glibc

/// The process's environment (environ(7)).
public enum Environment {
  /// Every variable that is valid UTF-8. Read it before there are threads that change it.
  public static var variables: [String: String] {
    var variables: [String: String] = [:]
    var next = unsafe environ
    while let entry = unsafe next.pointee {
      if let text = unsafe String(validatingCString: entry), let equals = text.firstIndex(of: "=") {
        variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
      }
      unsafe next += 1
    }
    return variables
  }

  /// Reads some variables and removes them, so that no child gets them (unsetenv(3)). Before there are other threads.
  static func take(_ names: [String]) -> [String: String] {
    let all = variables
    for name in names { unsafe unsetenv(name) }
    return all.filter { names.contains($0.key) }
  }
}
