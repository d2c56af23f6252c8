import Glibc
public import Linux
import Synchronization

/// Some network namespaces that are ours for one test, with loopback up; they go when this object goes.
public final class TestNetwork: Sendable {
  /// Whether this process may make namespaces: as root, or inside `Tests/sandbox.sh`. The reason why not, otherwise.
  public static let obstacle: String? = {
    do {
      _ = try TestNetwork(["probe"])
      return nil
    } catch {
      return "network namespaces cannot be made here; run the tests by Tests/sandbox.sh (\(error))"
    }
  }()

  /// For `.enabled(if:)`.
  public static var isPossible: Bool { obstacle == nil }

  private static let made = Atomic<Int>(0)
  private let names: [String: String]

  /// Makes namespaces with short names that mean something within the test.
  ///
  /// - Throws: `TestFailure` with what `ip` said when this is not allowed.
  public init(_ names: [String]) throws {
    // Unique on this host: several test runs may go on outside of a sandbox.
    let prefix = "mh-\(getpid())-\(Self.made.add(1, ordering: .relaxed).newValue)"
    self.names = Dictionary(uniqueKeysWithValues: names.map { ($0, "\(prefix)-\($0)") })
    try NetworkNamespace.current.ip(self.names.values.map { "netns add \($0)" })
    for name in names { try self[name].ip(["link set lo up"]) }
  }

  deinit { remove() }

  /// The namespace of a short name.
  public subscript(name: String) -> NetworkNamespace { .named(self.name(of: name)) }

  /// The name by which `ip netns` and `ip link ... netns` know it.
  public func name(of short: String) -> String { names[short] ?? short }

  /// Removes the namespaces; they live on as long as a process or socket within them.
  public func remove() {
    try? NetworkNamespace.current.ip(names.values.map { "netns del \($0)" }, force: true)
  }
}
