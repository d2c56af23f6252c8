import Linux

/// Where a process can be asked about itself: a Unix socket, for root and its own user.
package enum AdminPlace: Hashable, Sendable {
  /// Nowhere.
  case none
  /// There.
  case path(String)
  /// In the first of the usual folders that there is.
  case usual

  /// Reads a path, or `none`.
  init(parsing text: String) throws(ConfigurationError) {
    if text == "none" {
      self = .none
      return
    }
    guard text.hasPrefix("/") else {
      throw .usage("'\(text)' is no whole path; give one that begins with /, or none")
    }
    guard text.utf8.count <= UnixAddress.longestPath else {
      throw .usage("'\(text)' is too long for a socket; give at most \(UnixAddress.longestPath) bytes")
    }
    self = .path(text)
  }

  /// The usual places, the first that can be had is taken: in the folder that the service manager made for this service
  /// (RuntimeDirectory=, systemd.exec(5)), else in root's, else in the user's (XDG Base Directory Specification).
  package static func usualPaths(_ environment: [String: String], process: Int32) -> [String] {
    if let given = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first, given.hasPrefix("/") {
      return ["\(given)/admin.sock"]
    }
    var paths = ["\(rootFolder)/\(process).sock"]
    if let own = environment["XDG_RUNTIME_DIR"], own.hasPrefix("/") {
      paths.append("\(own)/multihomed/\(process).sock")
    }
    return paths
  }

  static let rootFolder = "/run/multihomed"
}

extension AdminPlace: CustomStringConvertible {
  package var description: String {
    switch self {
    case .none: "none"
    case .path(let path): path
    case .usual: "the usual place"
    }
  }
}
