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
}
