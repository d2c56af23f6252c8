import Glibc
public import Linux

/// A real service that runs. It is killed, with all that it has started, when this object goes.
public final class RunningService: Sendable {
  /// Which one.
  public let service: RealService
  /// Where.
  public let namespace: NetworkNamespace
  /// At which port.
  public let port: UInt16
  /// As whom.
  public let user: UInt32
  private let folder: TemporaryFolder
  private let current: Monitor<ManagedProcess>

  /// The program; another one after a restart.
  public var process: ManagedProcess { current.with { $0 } }

  init(_ service: RealService, in namespace: NetworkNamespace, port: UInt16, user: UInt32) throws {
    self.service = service
    self.namespace = namespace
    self.port = port
    self.user = user
    folder = try TemporaryFolder()
    try OtherUsers.give(folder.path, to: user)
    let site = ServiceSite(folder: folder, port: port, user: user)
    current = Monitor(try Self.launch(service, at: site, in: namespace))
    try waitUntilReady()
  }

  deinit { kill() }

  /// Kills it, and all that it has started, with SIGKILL, and waits until all are gone.
  public func kill() {
    process.kill()
    Session(leader: process.processID).kill()
  }

  /// Kills it and starts it again at the same port, and waits until it receives.
  ///
  /// - Throws: `TestFailure` with all that it wrote when it does not.
  public func restart() throws {
    kill()
    let site = ServiceSite(folder: folder, port: port, user: user)
    let process = try Self.launch(service, at: site, in: namespace)
    current.with { $0 = process }
    try waitUntilReady()
  }

  /// Asks it; see `RealService.ask`.
  public func ask(
    _ address: IPAddress, from client: NetworkNamespace, within limit: Nanoseconds = .seconds(5)
  ) throws -> Bool {
    try service.ask(Endpoint(address, port), from: client, within: limit)
  }

  /// In a session of its own, by which all that it starts is known.
  private static func launch(
    _ service: RealService, at site: ServiceSite, in namespace: NetworkNamespace
  ) throws -> ManagedProcess {
    let launch = try service.prepare(site)
    let program = [try FetchedPrograms.demand(service.program)] + launch.arguments
    let before = ["env", "--chdir", launch.directory ?? site.path] + OtherUsers.command(for: site.user)
    return try ManagedProcess(
      "setsid", before + program, in: namespace,
      environment: FetchedPrograms.environment.merging(["HOME": site.path]) { $1 }.merging(launch.environment) { $1 },
      input: launch.input)
  }

  private func waitUntilReady() throws {
    let process = process
    if case .line(let text) = service.readiness {
      try process.waitForLine(containing: text)
      return
    }
    do {
      try eventually("\(service) receives") {
        if process.exit != nil { throw process.failure("has ended", #fileID, #line) }
        return try isBound()
      }
    } catch {
      throw process.failure("is not ready (\(error))", #fileID, #line)
    }
  }

  private func isBound() throws -> Bool {
    let bound = try namespace.socketAddresses(at: port)
    guard case .socketOnEveryAddress(let v6) = service.readiness else { return !bound.isEmpty }
    let wanted = try namespace.addresses().map(\.address).filter {
      !$0.isLoopback && !$0.isLinkLocalIPv6 && ($0.isIPv4 || v6)
    }
    return wanted.allSatisfy { bound.contains($0) }
  }
}

/// The processes of one session (setsid(2)).
private struct Session {
  let leader: Int32

  /// Kills them all and waits until they are gone.
  func kill() {
    let end = Instant.now + .seconds(10)
    while true {
      let members = members
      for member in members { _ = Glibc.kill(member, SIGKILL) }
      if members.isEmpty || Instant.now > end { return }
      usleep(1_000)
    }
  }

  /// Those that live.
  private var members: [Int32] {
    ProcFile.names(in: "/proc").compactMap { Int32($0) }.filter { process in
      // `pid (name) state ppid pgrp session …`; the name may hold anything.
      guard let text = ProcFile.read("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else { return false }
      let fields = text[text.index(after: end)...].split(separator: " ")
      return fields.count > 3 && fields[3] == "\(leader)" && fields[0] != "Z" && fields[0] != "X"
    }
  }
}
