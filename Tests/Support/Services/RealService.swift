public import Linux

/// A service of Debian, unmodified, and what is known of it: how it is started, how it is asked, and from where it answers.
///
///     let service = RealService.unbound
///     let running = try service.start(in: network.host)
///     try service.ask(Endpoint(address, service.port), from: network.container)
public struct RealService: Sendable, CustomStringConvertible {
  /// From which address it answers whoever asked an address that is not on the asker's side.
  public enum Behaviour: Sendable {
    /// From the one that was asked.
    case answersFromTheAddressAsked
    /// From the one that routing picks: the fault.
    case answersByRouting
    /// It has no socket there.
    case doesNotListen
  }

  /// Where it can be asked.
  public enum Place: Sendable, Equatable {
    /// At every address of the host.
    case everywhere
    /// At this one only.
    case address(IPAddress)
  }

  /// How to know that it receives.
  public enum Readiness: Sendable {
    /// It has a socket at its port.
    case socket
    /// It has a socket at its port for every address of the host; the IPv6 ones count only when told so.
    case socketOnEveryAddress(v6: Bool)
    /// It has written a line with this text.
    case line(String)
  }

  /// What it is called here: the program, and how it is set up.
  public let name: String
  /// The Debian package it comes from.
  public let package: String
  /// The program's name.
  public let program: String
  /// The port that it is usually found at.
  public let port: UInt16
  /// From where it answers at the host's IPv4 addresses: measured, in the founding scenario.
  public let v4: Behaviour
  /// The same at the IPv6 addresses.
  public let v6: Behaviour
  /// Where it can be asked.
  public var place = Place.everywhere
  /// Whether its client takes an answer from another address than the one it asked. On the host's own network it then does
  /// not notice the fault; behind a NAT or a stateful filter it gets no answer.
  public var clientTakesAnySource = false
  /// Whether it hears nobody but the first one who asked, so that it must be started again for the next one.
  public var isForOneClient = false
  /// Whether it can be started as another user than root, at a port above 1023.
  public var runsAsOthers = true
  /// Whether it changes its groups, although only to be who it is.
  var changesGroups = false
  /// How to know that it receives.
  var readiness = Readiness.socket
  /// A file without which it does not start.
  var device: String?
  /// How it is asked.
  let question: Question
  /// Writes its files, and tells how it is started.
  let prepare: @Sendable (ServiceSite) throws -> Launch

  /// Its name.
  public var description: String { name }

  /// Why it cannot be started here, or nil when it can.
  public var obstacle: String? {
    if let obstacle = FetchedPrograms.obstacle(to: program, of: package) { return obstacle }
    if case .program(let client, _, _, _) = question, let obstacle = FetchedPrograms.obstacle(to: client) {
      return obstacle
    }
    if changesGroups, !OtherUsers.mayChangeGroups {
      return "\(name) changes its groups, which this user namespace forbids; run the tests as root"
    }
    return device.flatMap { FetchedPrograms.isUsable($0) ? nil : "\(name) needs \($0)" }
  }

  /// Whether it can be started here.
  public var isAvailable: Bool { obstacle == nil }

  /// Starts it, and waits until it receives.
  ///
  /// - Parameters:
  ///   - namespace: where.
  ///   - port: nil for its usual one.
  ///   - user: as whom, and whose group; 0 is root. Others only where `OtherUsers.arePossible`.
  /// - Throws: `TestFailure` with all that it wrote when it does not receive in time.
  public func start(
    in namespace: NetworkNamespace, port: UInt16? = nil, user: UInt32 = 0
  ) throws -> RunningService {
    try RunningService(self, in: namespace, port: port ?? self.port, user: user)
  }
}

/// How a program is started.
struct Launch {
  var arguments: [String] = []
  var environment: [String: String] = [:]
  var input = ""
  /// The folder that it starts in; nil for ours.
  var directory: String?
}

/// What a service that is about to be started can count on.
struct ServiceSite {
  /// A folder of its own, which belongs to the user.
  let folder: TemporaryFolder
  let port: UInt16
  let user: UInt32

  /// The folder's path.
  var path: String { folder.path }

  /// Makes a folder within.
  func makeFolder(_ name: String) throws -> String {
    let path = "\(folder.path)/\(name)"
    try OtherUsers.makeFolder(path, for: user)
    return path
  }
}
