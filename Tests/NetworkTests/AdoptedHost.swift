import Glibc
import Linux
import Support

/// The founding scenario with a service that a relay of ours is slipped in beside.
final class AdoptedHost {
  static let near = IPAddress(v4: 0xac11_0001)
  static let far = IPAddress(v4: 0xc0a8_6af2)
  static let farV6 = IPAddress(v6: 0xfd06_0000_0000_0000, 0x242)

  let network: FoundingNetwork
  private(set) var relay: MultihomedProcess

  init(_ network: FoundingNetwork, port: UInt16, _ options: [String] = []) throws {
    self.network = network
    relay = try Self.adopt(port, in: network, options)
  }

  /// Adopts, and waits until it is ready.
  static func adopt(_ port: UInt16, in network: FoundingNetwork, _ options: [String] = []) throws -> MultihomedProcess {
    try MultihomedProcess.start(in: network.host, ["adopt", "\(port)"] + options)
  }

  /// The process that has the rights, a child of the one that relays.
  func broker() throws -> Int32 {
    let parent = relay.process.processID
    let child = ProcFile.read("/proc/\(parent)/task/\(parent)/children")?.split(separator: " ").first
    guard let broker = child.flatMap({ Int32($0) }) else { throw TestFailure("no broker") }
    return broker
  }

  /// A field of /proc/PID/status, its first word.
  static func status(_ field: String, of process: Int32) throws -> String {
    let line = ProcFile.read("/proc/\(process)/status")?.split(separator: "\n").first { $0.hasPrefix("\(field):") }
    guard let word = line?.split(whereSeparator: \.isWhitespace).dropFirst().first else {
      throw TestFailure("no \(field) of process \(process)")
    }
    return String(word)
  }
}

/// A copy of a socket that no process has: it is under way between the two ends of a conversation (unix(7), SCM_RIGHTS).
final class HiddenSocket {
  private let ends: [Socket]

  /// Puts a copy of it there.
  init(_ socket: Socket) throws(Errno) {
    let (ours, theirs) = try Conversation.pair()
    ends = [ours.socket, theirs]
    try ours.say("take this", socket)
  }
}

/// A process of another user that holds an endpoint, under a name of its choice.
final class Stranger {
  private let process: ManagedProcess

  /// - Parameter endpoint: of IPv6.
  init(named name: String, on endpoint: Endpoint, in namespace: NetworkNamespace) throws {
    let script = """
      use Socket qw(:DEFAULT :addrinfo inet_pton pack_sockaddr_in6 IPPROTO_IPV6);
      $0 = "\(name)"; $| = 1;
      socket(S, AF_INET6, SOCK_DGRAM, 0) or die $!;
      setsockopt(S, IPPROTO_IPV6, 26, 1) or die $!;  # IPV6_V6ONLY
      bind(S, pack_sockaddr_in6(\(endpoint.port), inet_pton(AF_INET6, "\(endpoint.address)"))) or die $!;
      print "bound\\n";
      sleep 600;
      """
    let command = OtherUsers.command(for: OtherUsers.somebody) + ["perl", "-e", script]
    process = try ManagedProcess(command[0], Array(command.dropFirst()), in: namespace)
    try process.waitForLine(containing: "bound")
  }
}

/// A service whose socket a test holds itself: so it can do with it whatever services do.
final class HeldService: Sendable {
  private let held: Monitor<Socket?>
  private let namespace: NetworkNamespace
  private let endpoint: Endpoint
  private let prepare: @Sendable (Socket) -> Void

  /// Binds it.
  init(
    on endpoint: Endpoint, in namespace: NetworkNamespace, _ prepare: @escaping @Sendable (Socket) -> Void = { _ in }
  ) throws(Errno) {
    self.namespace = namespace
    self.endpoint = endpoint
    self.prepare = prepare
    held = Monitor(nil)
    try bind()
  }

  /// Its socket.
  var socket: Socket? { held.with { $0 } }

  /// Closes it and goes on. A program that another test starts may have a copy for a moment: until then it is not closed.
  func close() throws {
    let inode = socket?.inode
    let port = endpoint.port
    held.with { $0 = nil }
    try eventually("the socket is closed") {
      try namespace.run { () throws(Errno) in try UDPSocketTable.read(port: port).allSatisfy { $0.inode != inode } }
    }
  }

  /// Closes its descriptor only.
  func forget() { held.with { $0 = nil } }

  /// Binds another one.
  func bind() throws(Errno) {
    let (endpoint, prepare) = (endpoint, prepare)
    let socket = try namespace.run { () throws(Errno) in
      let socket = try Socket(udpFor: endpoint.address)
      prepare(socket)
      try socket.bind(to: endpoint)
      return socket
    }
    held.with { $0 = socket }
  }

  /// Answers whoever waits.
  func serve() throws(Errno) {
    while let socket, let (bytes, from) = try socket.receive() { try socket.send(bytes, to: from) }
  }
}
