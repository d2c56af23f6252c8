import CLinux
import Glibc

/// Namespaces of this process's own, in which it may lay networks as it likes, and which vanish with it.
public enum Sandbox {
  /// A step on the way into the sandbox.
  public enum Step: String, Hashable, Sendable, CaseIterable {
    /// unshare(2)
    case makeNamespaces = "make namespaces"
    /// Writing /proc/self/setgroups, uid_map and gid_map (user_namespaces(7)).
    case mapIdentity = "become root of the user namespace"
    /// mount(2), MS_PRIVATE
    case privateMounts = "keep mounts private"
    /// mount(2), tmpfs
    case mountRun = "lay a tmpfs over /run"
    /// netdevice(7), SIOCSIFFLAGS
    case loopbackUp = "switch loopback on"
  }

  /// Why there is no sandbox. The process may be half inside and should end.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was refused.
    public let step: Step
    /// With which errno. At `makeNamespaces`, EPERM or ENOSPC mean that this host forbids user namespaces, EINVAL that the
    /// process has more than one thread.
    public let errno: Errno

    /// `cannot make namespaces: Operation not permitted (EPERM)`
    public var description: String { "cannot \(step.rawValue): \(errno)" }
  }

  /// Moves this process into network and mount namespaces of its own, with an empty /run, so that `ip netns add` leaves
  /// no trace outside, and with loopback up. Anyone but root gets a user namespace, too, and is root within it.
  ///
  /// The process must have one thread. Not undone: everything vanishes when the process and its children have ended.
  public static func enter() throws(Failure) {
    // Asked first: inside a new user namespace we are nobody until the maps are written.
    let (user, group) = (geteuid(), getegid())
    try attempt(.makeNamespaces) { mh_unshare(user == 0 ? 0 : 1) }
    if user != 0 {
      // An ordinary user may map a group only after it has given up setgroups(2).
      try write("deny", to: "/proc/self/setgroups")
      try write("0 \(user) 1", to: "/proc/self/uid_map")
      try write("0 \(group) 1", to: "/proc/self/gid_map")
    }
    try attempt(.privateMounts) { mh_make_mounts_private() }
    try attempt(.mountRun) { unsafe mh_mount_tmpfs("/run") }
    try attempt(.loopbackUp) { mh_loopback_up() }
  }

  private static func attempt(_ step: Step, _ call: () -> Int32) throws(Failure) {
    let result = call()
    if result < 0 { throw Failure(step: step, errno: Errno(-result)) }
  }

  private static func write(_ text: String, to path: String) throws(Failure) {
    do throws(Errno) {
      let descriptor = try retrying { unsafe open(path, O_WRONLY | O_CLOEXEC) }
      defer { close(descriptor) }
      // These files take the whole text in one write or none of it.
      try retrying { Int32(clamping: unsafe Glibc.write(descriptor, text, text.utf8.count)) }
    } catch {
      throw Failure(step: .mapIdentity, errno: error)
    }
  }
}
