import Linux

/// Where the session log goes.
package enum SessionLogDestination: Hashable, Sendable {
  case standardError
  /// Appended to, and opened anew at each reload, so that it may be moved away before.
  case file(String)

  /// Reads a path, or `-`.
  init(parsing text: String) throws(ConfigurationError) {
    if text == "-" {
      self = .standardError
    } else if text.hasPrefix("/") {
      self = .file(text)
    } else {
      throw .usage("'\(text)' is no whole path; give one that begins with /, or - for standard error")
    }
  }

  /// Opens it.
  func open() throws(ConfigurationError) -> Socket {
    do throws(Errno) {
      switch self {
      case .standardError: return try Socket.standardError()
      case .file(let path): return try Socket.appending(to: path)
      }
    } catch { throw .host("cannot write the session log \(self): \(error)") }
  }
}

extension SessionLogDestination: CustomStringConvertible {
  package var description: String {
    switch self {
    case .standardError: "-"
    case .file(let path): path
    }
  }
}
