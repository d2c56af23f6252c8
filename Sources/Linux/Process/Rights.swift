import CLinux
import Glibc

/// One of the pieces that root's rights are cut into (capabilities(7)).
public struct Capability: Hashable, Sendable {
  /// Its number, which is its bit.
  public let number: Int
  /// Its name, as in `CAP_SYS_PTRACE`.
  public let name: String

  /// To read what file permissions would keep from us: /proc/PID/fd of another user's process, above all.
  public static let readAnything = Capability(number: 2, name: "CAP_DAC_READ_SEARCH")
  /// To act as another user: here, to make sockets in a service's name.
  public static let setUser = Capability(number: 7, name: "CAP_SETUID")
  /// To bind a port below net.ipv4.ip_unprivileged_port_start.
  public static let bindService = Capability(number: 10, name: "CAP_NET_BIND_SERVICE")
  /// To change the network: nftables, interfaces, SO_MARK.
  public static let networkAdmin = Capability(number: 12, name: "CAP_NET_ADMIN")
  /// To open raw sockets and capture packets.
  public static let rawNetwork = Capability(number: 13, name: "CAP_NET_RAW")
  /// To look into another user's process and share its descriptors.
  public static let trace = Capability(number: 19, name: "CAP_SYS_PTRACE")
  /// To come before ordinary threads: real-time scheduling, and other threads' scheduling.
  public static let schedule = Capability(number: 23, name: "CAP_SYS_NICE")
  /// To enter namespaces, among very much else.
  public static let systemAdmin = Capability(number: 21, name: "CAP_SYS_ADMIN")

  /// Whether the calling thread has it in effect.
  public var isEffective: Bool { mh_effective_capabilities() >> UInt64(number) & 1 == 1 }
}

/// Giving rights up.
public enum Rights {
  /// Gives up every capability of the calling thread but these, for good; nothing that is executed gets any back
  /// (PR_SET_NO_NEW_PRIVS). Threads that are there already keep theirs; those that it starts inherit from it.
  ///
  /// - Throws: EPERM, which the kernel gives to nobody who only gives up.
  public static func keepOnly(_ kept: [Capability]) throws(Errno) {
    let result = mh_limit_capabilities(kept.reduce(0) { $0 | 1 << UInt64($1.number) })
    if result < 0 { throw Errno(-result) }
  }

  /// Becomes another user and group, without supplementary groups, for good. Capabilities are kept, though none is in
  /// effect: `keepOnly` comes next.
  ///
  /// - Throws: EPERM without CAP_SETUID and CAP_SETGID, EINVAL where a user namespace does not know the user.
  public static func become(user: UInt32, group: UInt32) throws(Errno) {
    let result = mh_become(user, group)
    if result < 0 { throw Errno(-result) }
  }

  /// Does something in another user's name: the sockets that the thread makes meanwhile belong to that user (setfsuid(2)).
  /// Binding keeps our own rights, to low ports above all.
  ///
  /// - Throws: EPERM without CAP_SETUID, and what `body` throws.
  public static func inName<Value>(
    of user: UInt32, _ body: () throws(Errno) -> Value
  ) throws(Errno) -> Value {
    let ours = mh_set_file_system_user(user)
    defer {
      _ = mh_set_file_system_user(ours)
      // From user 0's name to another's, the kernel takes those out of effect that are about files (capabilities(7)).
      _ = mh_restore_capabilities()
    }
    // setfsuid tells of a refusal only by what holds afterwards.
    guard mh_set_file_system_user(user) == user else { throw .notPermitted }
    return try body()
  }
}

/// Who we are (credentials(7)).
public enum UserIdentity {
  /// The effective user.
  public static var effective: UInt32 { geteuid() }
  /// Whom nothing belongs to: `nobody` and `nogroup` (or `nobody`) on every distribution, and the kernel's overflow user.
  public static let nobody: UInt32 = 65_534
  /// Whom nothing belongs to, and who is nobody else: in a range that distributions leave unused (systemd's UIDS-GIDS), one
  /// for each process. Processes of `nobody` may send each other signals.
  public static var ownAlone: UInt32 { 1_879_048_192 + UInt32(getpid()) }
}

/// Which ports need a right to be bound (ip-sysctl).
public enum PortRights {
  /// net.ipv4.ip_unprivileged_port_start: lower ones need CAP_NET_BIND_SERVICE.
  public static var lowestFree: UInt16 {
    let text = ProcFile.read("/proc/sys/net/ipv4/ip_unprivileged_port_start")?.split(separator: "\n").first
    return text.flatMap { UInt16($0) } ?? 1024
  }
}
