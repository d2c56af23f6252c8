import ArgumentParser
import FoundationEssentials
import Glibc

/// A process whose cost is wanted: it and its descendants.
struct WatchedProcess {
  let name: String
  let pid: pid_t

  init(_ text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let pid = pid_t(parts[1]), pid > 0 else {
      throw ValidationError("--pid: '\(text)' is not NAME=PID")
    }
    guard kill(pid, 0) == 0 || errno != ESRCH else {
      throw ValidationError("--pid: there is no process \(pid) (of '\(text)')")
    }
    name = String(parts[0])
    self.pid = pid
  }

  init(name: String, pid: pid_t) {
    self.name = name
    self.pid = pid
  }
}

/// Processor time, in seconds.
///
/// `total` is exact to the nanosecond; `user` and `system` come from /proc/PID/stat, in ticks of 10 ms.
struct ProcessorTime {
  var total = 0.0
  var user = 0.0
  var system = 0.0

  static func - (a: ProcessorTime, b: ProcessorTime) -> ProcessorTime {
    ProcessorTime(total: a.total - b.total, user: a.user - b.user, system: a.system - b.system)
  }
}

/// What /proc/PID/stat says of one process, see proc_pid_stat(5).
private struct ProcessStatus {
  let parent: pid_t
  let user: Double
  let system: Double
  /// Of children that ended and were waited for.
  let formerChildren: Double

  init?(_ pid: pid_t) {
    guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
    let text = String(decoding: data, as: UTF8.self)
    // The command's name may hold anything, blanks and brackets too.
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 14, let parent = pid_t(fields[1]) else { return nil }
    let tick = 1 / Double(sysconf(Int32(_SC_CLK_TCK)))
    func seconds(_ field: Int) -> Double { (Double(fields[field]) ?? 0) * tick }
    self.parent = parent
    user = seconds(11)
    system = seconds(12)
    formerChildren = seconds(13) + seconds(14)
  }
}

/// One look at what processes have cost so far.
struct ProcessTimes {
  private let statuses: [pid_t: ProcessStatus]

  init() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    let pairs = names.compactMap { pid_t($0) }.compactMap { pid in ProcessStatus(pid).map { (pid, $0) } }
    statuses = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
  }

  /// A process and its descendants, those that ended included; nil when it is gone.
  func time(of process: WatchedProcess) -> ProcessorTime? {
    guard statuses[process.pid] != nil else { return nil }
    var time = ProcessorTime()
    for pid in family(of: process.pid) {
      guard let status = statuses[pid] else { continue }
      time.total += (Self.exactSeconds(of: pid) ?? status.user + status.system) + status.formerChildren
      time.user += status.user
      time.system += status.system
    }
    return time
  }

  private func family(of root: pid_t) -> [pid_t] {
    var children: [pid_t: [pid_t]] = [:]
    for (pid, status) in statuses { children[status.parent, default: []].append(pid) }
    var members = [root]
    var next = 0
    while next < members.count {
      members += children[members[next]] ?? []
      next += 1
    }
    return members
  }

  /// All threads of a process, those that ended included: clock_getcpuclockid(3).
  private static func exactSeconds(of pid: pid_t) -> Double? {
    var clock = clockid_t()
    var time = timespec()
    guard unsafe clock_getcpuclockid(pid, &clock) == 0, unsafe clock_gettime(clock, &time) == 0 else { return nil }
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
