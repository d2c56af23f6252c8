import FoundationEssentials
import Glibc
import Linux

/// A folder of its own for one test, removed with all its files when this object goes and when the tests end.
public final class TemporaryFolder: Sendable {
  /// Where it is.
  public let path: String

  private static let all: Monitor<Set<String>> = {
    atexit { for path in TemporaryFolder.all.with({ $0 }) { TemporaryFolder.remove(path) } }
    return Monitor([])
  }()

  /// Makes one.
  ///
  /// - Throws: the errno of mkdtemp(3).
  public init() throws {
    let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var template = [CChar]((parent + "/multihomed-XXXXXX").utf8CString)
    guard let made = unsafe mkdtemp(&template) else { throw Errno(errno) }
    let path = unsafe String(cString: made)
    self.path = path
    Self.all.with { $0.insert(path) }
  }

  deinit {
    let path = path
    Self.remove(path)
    Self.all.with { $0.remove(path) }
  }

  /// Writes a file and returns its path.
  ///
  /// - Throws: the errno of open(2) or write(2).
  @discardableResult
  public func write(_ text: String, to name: String) throws -> String {
    let file = path + "/" + name
    let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw Errno(errno) }
    defer { close(descriptor) }
    if unsafe Glibc.write(descriptor, text, text.utf8.count) < 0 { throw Errno(errno) }
    return file
  }

  private static func remove(_ path: String) {
    try? FileManager.default.removeItem(atPath: path)
  }
}
