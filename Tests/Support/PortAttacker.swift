import Glibc
public import Linux
import Synchronization

/// Somebody who spins on bind(2), from a thread of its own, in another user's name.
public final class PortAttacker: Sendable {
  /// Whether this process may act as several users.
  public static let isPossible = (try? Rights.inName(of: 1234) {}) != nil && (try? Rights.inName(of: 4321) {}) != nil

  private let isStopping = Atomic(false)
  private let tries = Atomic(0)
  private let entries = Atomic(0)
  private let thread: Monitor<Linux.Thread?> = Monitor(nil)

  /// Begins.
  ///
  /// - Parameter namespace: where; nil for ours.
  public init(port: UInt16, addresses: [IPAddress], in namespace: NetworkNamespace? = nil) throws {
    let started = try Linux.Thread(named: "attacker") { [self] in
      if let namespace { try? namespace.enter() }
      while !isStopping.load(ordering: .relaxed) {
        for address in addresses { attack(Endpoint(address, port)) }
      }
    }
    thread.with { $0 = started }
    try eventually("the first attack") { tries.load(ordering: .relaxed) > 0 }
  }

  private func attack(_ endpoint: Endpoint) {
    do throws(Errno) {
      let socket = try Rights.inName(of: 4321) { () throws(Errno) in try Socket(udpFor: endpoint.address) }
      try socket.setSharesPort(true)
      try socket.setReusesAddress(true)
      tries.add(1, ordering: .relaxed)
      try socket.bind(to: endpoint)
      entries.add(1, ordering: .relaxed)
    } catch {}
  }

  /// How often he got in.
  public var successes: Int { entries.load(ordering: .relaxed) }

  /// Ends it.
  public func stop() -> (tries: Int, successes: Int) {
    isStopping.store(true, ordering: .relaxed)
    thread.with { $0 }?.join()
    return (tries.load(ordering: .relaxed), successes)
  }
}

extension Socket {
  /// SO_REUSEADDR.
  public func setReusesAddress(_ reuses: Bool) throws(Errno) {
    var value: Int32 = reuses ? 1 : 0
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}
