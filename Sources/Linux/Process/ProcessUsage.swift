import Glibc

/// What this process takes of the host, as the host accounts for it (proc(5)). What cannot be read is nil: a process that has
/// given up its rights may not read all of its own entries.
public struct ProcessUsage: Sendable {
  /// User and system time of all threads so far, in seconds.
  public let processorSeconds: Double?
  /// Memory that is resident, in bytes.
  public let residentBytes: UInt64?
  /// Address space that is reserved, in bytes; much of it is never touched.
  public let virtualBytes: UInt64?
  /// Descriptors that are open.
  public let openDescriptors: UInt64?
  /// RLIMIT_NOFILE.
  public let descriptorLimit: UInt64?
  /// When it was started, in seconds since 1970.
  public let startTime: Double?

  /// Reads it, without waiting for anybody.
  public init() {
    let pages = ProcFile.read("/proc/self/statm")?.split(separator: " ").compactMap { UInt64($0) } ?? []
    let pageSize = UInt64(sysconf(Int32(_SC_PAGESIZE)))
    virtualBytes = pages.first.map { $0 * pageSize }
    residentBytes = pages.dropFirst().first.map { $0 * pageSize }
    openDescriptors = Self.countDescriptors()
    var limit = rlimit()
    let isKnown = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    descriptorLimit = isKnown ? UInt64(limit.rlim_cur) : nil
    var time = timespec()
    let isTold = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0
    processorSeconds = isTold ? Double(time.tv_sec) + Double(time.tv_nsec) / 1e9 : nil
    startTime = Self.start
  }

  /// Linux 6.2 tells the number as the folder's size; there may be very many to be counted.
  private static func countDescriptors() -> UInt64? {
    var status = stat()
    guard unsafe stat("/proc/self/fd", &status) == 0 else { return nil }
    if status.st_size > 0 { return UInt64(status.st_size) }
    let names = ProcFile.names(in: "/proc/self/fd")
    // One of them was the folder itself.
    return names.isEmpty ? nil : UInt64(names.count - 1)
  }

  /// The boot's time and the 22nd field of /proc/self/stat, in ticks since then.
  private static let start: Double? = {
    let fields = ProcFile.read("/proc/self/stat")?.split(separator: ")").last?.split(separator: " ") ?? []
    let boot = ProcFile.read("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
    // The name, in brackets, is the second field, and may hold anything.
    guard fields.count > 19, let ticks = Double(fields[19]), let boot = boot.flatMap({ Double($0.dropFirst(6)) })
    else { return nil }
    return boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
  }()
}
