import CLinux
import Glibc

/// Whether a thread comes before all ordinary ones when processors are scarce (sched(7)).
public enum Precedence {
  /// Takes it for the calling thread and for those that it starts (SCHED_FIFO, priority 1). Without CAP_SYS_NICE, or where
  /// a cgroup has no time for it, nothing changes.
  public static func take() { set(SCHED_FIFO, priority: 1) }

  /// Gives it up for the calling thread and for those that it starts from now on.
  public static func giveUp() { set(SCHED_OTHER, priority: 0) }

  private static func set(_ policy: Int32, priority: Int32) {
    var parameters = sched_param()
    parameters.sched_priority = priority
    _ = unsafe sched_setscheduler(0, policy, &parameters)
  }
}
