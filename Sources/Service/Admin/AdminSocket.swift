public import Linux

/// The socket by which a process can be asked about itself, open already.
public struct AdminSocket: Sendable {
  let listening: ListeningSocket

  /// For root and the process's own user.
  private static let mode: UInt32 = 0o600

  /// Opens it where a configuration wants it.
  ///
  /// - Parameter environment: RUNTIME_DIRECTORY and XDG_RUNTIME_DIR are asked for.
  /// - Returns: nil where none is wanted, and where none of the usual places can be had.
  /// - Throws: why it cannot be had where it was named.
  public static func open(
    _ configuration: ProcessConfiguration, _ environment: [String: String] = Environment.variables
  ) throws(ConfigurationError) -> AdminSocket? {
    switch configuration.admin {
    case .none: return nil
    case .path(let path):
      do throws(Errno) { return AdminSocket(listening: try ListeningSocket(at: path, mode: mode)) } catch {
        throw .host("cannot listen on the admin socket \(path): \(error); give --admin another path, or none")
      }
    case .usual:
      return AdminPlace.usualPaths(environment, process: ProcessIdentity.own).lazy.compactMap { open(at: $0) }.first
    }
  }

  /// In a folder that is made where it is missing, and that nobody else may write into.
  private static func open(at path: String) -> AdminSocket? {
    guard let end = path.lastIndex(of: "/"),
      (try? StateFolder(String(path[..<end]), isMade: true)) != nil,
      let socket = try? ListeningSocket(at: path, mode: mode)
    else { return nil }
    return AdminSocket(listening: socket)
  }

  /// Where it is.
  var place: String { if case .file(let path) = listening.place { path } else { "\(listening.place)" } }
}
