import Linux
import Relay

/// The sockets that a process leaves to the one that takes its place, and what that one must know about them.
struct Estate {
  /// The multiplexing upstream of one relay.
  struct Upstream {
    let relay: String
    /// By worker, as the sockets are.
    let plans: [SavedPlan]
    let sockets: [Socket]
  }

  /// Of the file. A file of another version is not read.
  private static let version: UInt64 = 1
  /// "MHEST", and the version.
  private static let mark: UInt64 = 0x4d48_4553_5400_0000 | version

  /// How many workers there were.
  var workers: Int
  /// Of each listener one for each worker; where they listen they say themselves.
  var listeners: [Socket] = []
  /// The built-in backend's, if there is one.
  var echo: Socket?
  var upstreams: [Upstream] = []

  init(workers: Int) { self.workers = workers }

  /// The listeners by their endpoints.
  var listenersByEndpoint: [Endpoint: [Socket]] {
    var sockets: [Endpoint: [Socket]] = [:]
    for socket in listeners {
      if let endpoint = try? socket.endpointAsListener() { sockets[endpoint, default: []].append(socket) }
    }
    return sockets
  }

  /// The upstream's sockets of a relay, if its sessions can go on with these plans.
  func upstreams(of relay: String, _ plans: [RelayPlan]) -> [Socket]? {
    let saved = plans.map { SavedPlan($0) }
    return upstreams.first { $0.relay == relay && $0.plans == saved }?.sockets
  }

  // MARK: From process to process

  /// All sockets, in the order of the file.
  var sockets: [Socket] { upstreams.flatMap(\.sockets) + (echo.map { [$0] } ?? []) + listeners }

  /// Writes down what the sockets are.
  ///
  /// - Throws: EMFILE, ENOMEM, ENOSPC.
  func write() throws(Errno) -> NamelessFile {
    let nameless = try NamelessFile()
    var file = ValueWriter(nameless)
    file.put(Self.mark)
    for number in [workers, echo == nil ? 0 : 1, upstreams.count] { file.put(UInt32(number)) }
    for upstream in upstreams {
      file.put(upstream.relay)
      for plan in upstream.plans { file.put(plan) }
    }
    try file.finish()
    return nameless
  }

  /// How many workers there were.
  ///
  /// - Throws: as below.
  static func workers(_ nameless: NamelessFile) throws(Errno) -> Int {
    var file = ValueReader(nameless)
    if try file.take(UInt64.self) != mark { throw .otherProtocol }
    return Int(try file.take(UInt32.self))
  }

  /// Reads what the sockets are, which are there in the order of `sockets`. Whatever is more than the others is listeners, so
  /// that some of them may be missing.
  ///
  /// - Throws: EPROTO when a program has written it that means something else, or when others are missing; ENODATA, EIO.
  init(_ nameless: NamelessFile, _ sockets: [Socket]) throws(Errno) {
    var file = ValueReader(nameless)
    if try file.take(UInt64.self) != Self.mark { throw .otherProtocol }
    var numbers: [Int] = []
    for _ in 0..<3 { numbers.append(Int(try file.take(UInt32.self))) }
    var rest = sockets[...]
    workers = numbers[0]
    for _ in 0..<numbers[2] {
      let relay = try file.takeText()
      var plans: [SavedPlan] = []
      for _ in 0..<workers { plans.append(try file.take()) }
      upstreams.append(Upstream(relay: relay, plans: plans, sockets: try Self.take(workers, of: &rest)))
    }
    echo = try Self.take(min(numbers[1], 1), of: &rest).first
    listeners = Array(rest)
  }

  private static func take(_ count: Int, of sockets: inout ArraySlice<Socket>) throws(Errno) -> [Socket] {
    guard sockets.count >= count else { throw .otherProtocol }
    defer { sockets = sockets.dropFirst(count) }
    return Array(sockets.prefix(count))
  }
}
