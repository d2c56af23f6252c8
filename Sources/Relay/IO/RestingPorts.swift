import Linux
import Synchronization

/// When each local port was last the port of a session's own socket: a new session's socket had better not get it at once,
/// or replies to the old session that come late would be taken for its own.
///
/// The kernel draws ports at random, so we draw again. Ports we do not choose ourselves: whoever sends from ports that can
/// be foretold invites forged replies (RFC 6056). One for all workers, since the kernel's ports are one space for all of
/// them; without a lock, since each port is one number, and whichever of two ends is noted last will do.
@safe
final class RestingPorts: @unchecked Sendable {
  /// As long as an address of the multiplexing upstream; but there are only some 28,000 ports, so at more than 230 new
  /// sessions a second they cannot all rest that long.
  private static let wanted = SourcePool.standardQuarantine
  /// Sockets to open at most until one has a port that has rested. When a port in two has, 1 of 256 sessions finds none;
  /// then the longest rested of the eight is taken, which beats one at random by far.
  private static let draws = 8

  static let all = RestingPorts()

  private let ends: UnsafeMutablePointer<Atomic<UInt64>>

  private init() {
    let count = Int(UInt16.max) + 1
    unsafe ends = .allocate(capacity: count)
    for port in 0..<count { unsafe (ends + port).initialize(to: Atomic(0)) }
  }

  /// A port's session has ended.
  func rest(_ port: UInt16, from now: Instant) {
    unsafe ends[Int(port)].store(now.nanoseconds, ordering: .relaxed)
  }

  /// The same of a socket's port.
  func rest(_ socket: Socket, from now: Instant) {
    if let endpoint = try? socket.localEndpoint() { rest(endpoint.port, from: now) }
  }

  /// Opens a connected socket on a port that has rested, or if there is hardly one, on one that has rested for long.
  ///
  /// - Throws: what `Socket.connectedUpstream(to:)` throws.
  func open(to backend: Endpoint, now: Instant) throws(Errno) -> Socket {
    var best: (socket: Socket, port: UInt16)?
    var bestEnd = UInt64.max
    for _ in 0..<Self.draws {
      do throws(Errno) {
        let socket = try Socket.connectedUpstream(to: backend)
        let port = try socket.localEndpoint().port
        let end = unsafe ends[Int(port)].load(ordering: .relaxed)
        if end == 0 || Instant(nanoseconds: end) + Self.wanted <= now { return socket }
        if end < bestEnd { (best, bestEnd) = ((socket, port), end) }
      } catch {
        if let best { return best.socket }
        throw error
      }
    }
    guard let best else { throw .again }
    return best.socket
  }

  // MARK: In another process

  /// Writes which ports rest, and since when.
  func save(to file: inout ValueWriter, now: Instant) {
    for port in 0...Int(UInt16.max) {
      let end = unsafe ends[port].load(ordering: .relaxed)
      if end == 0 || Instant(nanoseconds: end) + Self.wanted <= now { continue }
      file.put(UInt32(port))
      file.put(end)
    }
    file.put(UInt32.max)
  }

  /// Lets them rest here, too.
  ///
  /// - Throws: ENODATA, EIO.
  func restore(from file: inout ValueReader) throws(Errno) {
    while true {
      let port = try file.take(UInt32.self)
      guard port <= UInt16.max else { return }
      rest(UInt16(port), from: Instant(nanoseconds: try file.take(UInt64.self)))
    }
  }
}
