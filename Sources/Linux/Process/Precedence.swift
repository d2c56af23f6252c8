import CLinux
import Glibc

/// Whether a thread comes before all ordinary ones when processors are scarce (sched(7)).
public enum Precedence {
  /// Takes it for the calling thread and for those that it starts (SCHED_FIFO, priority 1). Without CAP_SYS_NICE, or where
  /// a cgroup has no time for it, nothing changes.
  public static func take() { set(SCHED_FIFO, of: 0) }

  /// Gives it up for the calling thread and for those that it starts from now on.
  public static func giveUp() { set(SCHED_OTHER, of: 0) }

  /// Gives it to every other thread of this process until a condition holds, or the time is over. So a thread that was
  /// put off in the middle of a system call comes to its end. The calling thread must have it itself, and CAP_SYS_NICE;
  /// without, it only waits.
  public static func lend(atMost limit: Nanoseconds, until isDone: () -> Bool) {
    if isDone() { return }
    let own = mh_thread_id()
    let others = ProcFile.names(in: "/proc/self/task").compactMap { Int32($0) }.filter { $0 != own }
    for thread in others { set(SCHED_FIFO, of: thread) }
    defer { for thread in others { set(SCHED_OTHER, of: thread) } }
    let end = Instant.now + limit
    while !isDone(), Instant.now < end { Nanoseconds.microseconds(20).sleep() }
  }

  private static func set(_ policy: Int32, of thread: Int32) {
    var parameters = sched_param()
    parameters.sched_priority = policy == SCHED_FIFO ? 1 : 0
    _ = unsafe sched_setscheduler(thread, policy, &parameters)
  }
}
