import Glibc

/// RLIMIT_NOFILE: how many descriptors this process may have (getrlimit(2)).
public enum DescriptorLimit {
  /// Raises the soft limit to the hard limit.
  ///
  /// - Returns: the limit that holds now; when the kernel refuses, the one that held before.
  @discardableResult
  public static func raise() -> Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    var raised = limit
    raised.rlim_cur = limit.rlim_max
    let accepted = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0
    return Int(clamping: accepted ? raised.rlim_cur : limit.rlim_cur)
  }

  /// Whether so many more descriptors can be opened, found out by opening them.
  ///
  /// For the start alone, while there is one thread: libuv aborts the process where a descriptor that it cannot do
  /// without is refused.
  public static func hasRoom(for count: Int) -> Bool {
    var opened: [Int32] = []
    defer { for descriptor in opened { close(descriptor) } }
    while opened.count < count {
      let descriptor = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
      if descriptor < 0 { return false }
      opened.append(descriptor)
    }
    return true
  }
}

/// A few descriptors kept back, so that what must not fail for want of one (reading the addresses, above all) does not,
/// even when everything else has used them up.
public final class DescriptorReserve {
  private static let size = 4
  private var held: [Int32] = []

  /// Takes the reserve.
  public init() { fill() }

  deinit { release() }

  /// Does something with the reserve's descriptors free, and takes them back afterwards.
  public func lend<Value>(to body: () -> Value) -> Value {
    release()
    defer { fill() }
    return body()
  }

  private func fill() {
    while held.count < Self.size {
      let descriptor = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
      if descriptor < 0 { return }
      held.append(descriptor)
    }
  }

  private func release() {
    for descriptor in held { close(descriptor) }
    held = []
  }
}
