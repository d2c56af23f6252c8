import Glibc
import Linux

/// The programs that Tests/fetch-services.sh has unpacked, without installing them.
enum FetchedPrograms {
  /// The root below which they lie as they would below `/`.
  static let root = "\(#filePath)".split(separator: "/").dropLast(4).map { "/\($0)" }.joined() + "/.build-services/root"

  /// The path of a program, or nil when it is not there.
  static func path(of program: String) -> String? {
    ["usr/sbin", "usr/bin", "usr/games", "sbin", "bin"].map { "\(root)/\($0)/\(program)" }.first {
      unsafe access($0, X_OK) == 0
    }
  }

  /// Why a program cannot be run, or nil when it can.
  static func obstacle(to program: String, of package: String? = nil) -> String? {
    guard path(of: program) == nil else { return nil }
    let origin = package.map { " of the Debian package \($0)" } ?? ""
    return "\(program)\(origin) is not in .build-services: see Tests/fetch-services.sh"
  }

  /// Whether a file can be read and written.
  static func isUsable(_ path: String) -> Bool {
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    if descriptor >= 0 { close(descriptor) }
    return descriptor >= 0
  }

  /// The folders of libraries of Debian's architecture, as `/usr/lib/x86_64-linux-gnu`.
  static let libraryFolders = ["usr/lib", "lib"].flatMap { folder in
    ProcFile.names(in: "\(root)/\(folder)").filter { $0.contains("-linux-gnu") }.map { "\(root)/\(folder)/\($0)" }
  }

  /// The path of a folder of plug-ins below one of those.
  static func libraryFolder(_ name: String) -> String {
    let candidates = libraryFolders.map { "\($0)/\(name)" }
    return candidates.first { unsafe access($0, F_OK) == 0 } ?? candidates.first ?? name
  }

  /// The variables with which to start any of them: its libraries are here, and it finds no settings of this host.
  static let environment = [
    "LD_LIBRARY_PATH": (libraryFolders + ["\(root)/usr/lib/freeradius"]).joined(separator: ":"),
    "OPENSSL_CONF": "/dev/null", "MIBS": "", "LC_ALL": "C",
  ]

  /// The path of a program.
  ///
  /// - Throws: `TestFailure` when it is not there.
  static func demand(_ program: String) throws -> String {
    guard let path = path(of: program) else { throw TestFailure(obstacle(to: program) ?? program) }
    return path
  }
}
