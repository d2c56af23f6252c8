import Glibc

/// A program's time passes faster than ours (see Tests/FaultInjection/clock.c).
public enum FastClock {
  /// The variables with which to start the program.
  ///
  /// - Parameter speed: how many of its seconds are one of ours.
  /// - Throws: `TestFailure` when the library cannot be compiled.
  public static func environment(speed: Int) throws -> [String: String] {
    ["LD_PRELOAD": try FaultInjection.library("clock.c"), "MH_CLOCK_SPEED": "\(speed)"]
  }
}

/// Counts how often a program asks for heap memory (see Tests/FaultInjection/allocations.c).
public final class AllocationCount: Sendable {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/allocations" }

  /// Room for the count of one program.
  ///
  /// - Throws: the errno of mkdtemp(3).
  public init() throws { folder = try TemporaryFolder() }

  /// The variables with which to start the program.
  ///
  /// - Throws: `TestFailure` when the library cannot be compiled.
  public func environment() throws -> [String: String] {
    ["LD_PRELOAD": try FaultInjection.library("allocations.c"), "MH_ALLOCATIONS": path]
  }

  /// From now on the program writes to standard error where each request comes from.
  ///
  /// - Throws: the errno of open(2).
  public func trace() throws { try folder.write("", to: "allocations.trace") }

  /// How often until now.
  ///
  /// - Throws: `TestFailure` before the program has begun.
  public func value() throws -> UInt64 {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    var count: UInt64 = 0
    guard unsafe read(descriptor, &count, 8) == 8 else { throw TestFailure("no allocations were counted at \(path)") }
    return count
  }
}
