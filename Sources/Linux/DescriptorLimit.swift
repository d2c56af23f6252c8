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
}
