import Glibc

/// What a service manager has told this process by its environment, and what it has opened for it (sd_notify(3),
/// sd_watchdog_enabled(3), sd_listen_fds(3)). By the protocol and not by libsystemd, which is a few lines: the binary then
/// runs where there is no systemd, in a container above all.
public struct ManagerVariables: Sendable {
  /// A descriptor that it has opened.
  public struct Passed: Sendable {
    /// What it calls it; the unit's name where nobody has named it, `unknown` where it names nothing.
    public let name: String
    /// The descriptor, which no child inherits.
    public let socket: Socket

    package init(name: String, socket: Socket) {
      self.name = name
      self.socket = socket
    }
  }

  /// Where it wants to be told how things stand: the path of a Unix socket, or `@` and an abstract name; nil when it does
  /// not.
  public let notifySocket: String?
  /// How long it waits for a sign of life before it ends the process; nil when it does not.
  public let watchdog: Nanoseconds?
  /// What it has opened, in its order.
  public let passed: [Passed]
  /// What a process of ours has left with it (FDSTORE=1), under the names that it gave them.
  public let stored: [Passed]
  /// Whether descriptors may be left with it at the end, for the next process (systemd.service(5), FileDescriptorStoreMax=).
  /// systemd says so from version 254 on; for earlier ones the unit must.
  public let storesDescriptors: Bool
  /// The name under which a process leaves a descriptor. A unit may be called `multihomed-dns`, but not so.
  public static func name(leftBy process: Int32, _ number: Int) -> String { "\(storedPrefix)\(process)-\(number)" }

  /// Who has left it, and which of his it is; nil when it is not such a name.
  public static func place(_ name: String) -> (process: Int32, number: Int)? {
    guard name.hasPrefix(storedPrefix) else { return nil }
    let numbers = name.dropFirst(storedPrefix.count).split(separator: "-", omittingEmptySubsequences: false)
    guard numbers.count == 2, let process = Int32(numbers[0]), let number = Int(numbers[1]) else { return nil }
    return (process, number)
  }

  private static let storedPrefix = "multihomed-left-"

  /// What the process that takes this one's place needs of them: it is told by the manager as this one was.
  let forSuccessor: [String: String]

  private static let names = [
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "FDSTORE",
    "MULTIHOMED_DESCRIPTOR_STORE",
  ]

  /// Of this process. Reading it first takes it out of the environment, since none of it is for a child; so that must happen
  /// before there is any child or thread.
  public static let ours = ManagerVariables(Environment.take(names), processID: getpid())

  /// Reads them.
  ///
  /// - Parameter variables: what is malformed, or meant for another process, counts as not given.
  package init(_ variables: [String: String], processID: Int32) {
    let socket = variables["NOTIFY_SOCKET"]
    notifySocket = socket.flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
    watchdog = Self.watchdog(variables, processID)
    // Without WATCHDOG_PID, which is for whoever has this pid.
    forSuccessor = variables.filter {
      ["NOTIFY_SOCKET", "WATCHDOG_USEC", "FDSTORE", "MULTIHOMED_DESCRIPTOR_STORE"].contains($0.key)
    }
    let all = Self.passed(variables, processID)
    passed = all.filter { Self.place($0.name) == nil }
    stored = all.filter { Self.place($0.name) != nil }
    let limit = variables["FDSTORE"].flatMap { Int($0) } ?? 0
    storesDescriptors = notifySocket != nil && (limit > 0 || variables["MULTIHOMED_DESCRIPTOR_STORE"] == "true")
  }

  private static func watchdog(_ variables: [String: String], _ processID: Int32) -> Nanoseconds? {
    if let process = variables["WATCHDOG_PID"], Int32(process) != processID { return nil }
    guard let text = variables["WATCHDOG_USEC"], let microseconds = UInt64(text), microseconds > 0 else { return nil }
    return Nanoseconds.microseconds(min(microseconds, UInt64.max / 1_000))
  }

  /// The descriptors from 3 on: SD_LISTEN_FDS_START.
  private static func passed(_ variables: [String: String], _ processID: Int32) -> [Passed] {
    guard variables["LISTEN_PID"].flatMap({ Int32($0) }) == processID else { return [] }
    guard let count = variables["LISTEN_FDS"].flatMap({ Int32($0) }), (1...65_536).contains(count) else { return [] }
    let names = (variables["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
    return (0..<count).map { number in
      let socket = Socket(owning: 3 + number)
      socket.closeOnExec()
      let name = Int(number) < names.count ? String(names[Int(number)]) : ""
      return Passed(name: name.isEmpty ? "unknown" : name, socket: socket)
    }
  }
}
