import EventLoop
import Linux

/// Follows the life of an adopted service by its sockets: tells at once when they are gone, and when they are back.
///
/// The end rings the kernel's doorbell, whether the process died, closed its sockets, or executed something else; a socket
/// that lives on in a child, or in the systemd unit that made it, is no end. Nothing rings when a socket is made: so the
/// port is looked at every 20 ms, but only while there is none.
final class ServiceWatch {
  /// What has happened.
  enum News {
    /// The sockets are gone, so that every address that we still hold keeps the service from binding its port again.
    case gone(AdoptableService)
    /// There are sockets again, and as many as before, or no more have come for a while.
    case back
  }

  static let period = Nanoseconds.milliseconds(20)
  /// How long a service that had several sockets may take to bind them all: what we bind in between keeps it from the rest.
  static let completion = Nanoseconds.milliseconds(100)
  /// The same for a socket of each family, without which it is another service.
  static let completionOfFamilies = Nanoseconds.seconds(2)

  private enum State {
    case there(AdoptableService)
    case gone(AdoptableService, seenSince: Instant?)
  }

  private let doorbell: SocketDoorbell
  private var bell: Bell?
  private let reserve = DescriptorReserve()
  private let port: UInt16
  private let families: Families
  private let isGuarded: () -> Bool
  private let tell: (News) -> Void
  private var state: State
  private var timer: Timer?

  /// Begins to watch.
  ///
  /// - Parameters:
  ///   - families: those that are adopted; another service may have the other one.
  ///   - isGuarded: whether listeners are still there, as far as the sentinel lets them.
  /// - Throws: EMFILE, ENOMEM, or ENOENT where the kernel lacks udp_diag.
  init(
    _ loop: Loop, _ service: AdoptableService, _ families: Families, isGuarded: @escaping () -> Bool,
    _ tell: @escaping (News) -> Void
  ) throws(Errno) {
    port = service.port
    self.families = families
    self.isGuarded = isGuarded
    self.tell = tell
    state = .there(service)
    doorbell = try SocketDoorbell(port: port)
    timer = try Timer(loop) { [unowned self] in self.look() }
    bell = try Bell(loop, doorbell.socket) { [unowned self] _ in
      doorbell.drain()
      look()
    }
    doorbell.limit(to: service.cookies)
    // It may have ended before the doorbell was there.
    look()
  }

  /// What is there from now on.
  func accept(_ service: AdoptableService) {
    doorbell.limit(to: service.cookies)
    state = .there(service)
  }

  private func look() {
    guard let entries = reserve.lend(to: { try? UDPSocketTable.read(port: port) }) else {
      // For want of a descriptor, most likely.
      timer?.start(after: Self.period)
      return
    }
    switch state {
    case .there(let service):
      if service.isThere(in: entries), isGuarded() { return }
      state = .gone(service, seenSince: nil)
      tell(.gone(service))
      timer?.start(after: Self.period)
    case .gone(let service, let seenSince): wait(for: service, entries, seenSince: seenSince)
    }
  }

  private func wait(for service: AdoptableService, _ entries: [UDPSocketEntry], seenSince: Instant?) {
    let found = entries.filter { $0.isWildcard && families.meets($0) }
    let now = Instant.now
    let since = found.isEmpty ? nil : seenSince ?? now
    state = .gone(service, seenSince: since)
    if let since, isEnough(found, for: service, after: now - since) { tell(.back) }
    if case .gone = state { timer?.start(after: Self.period) }
  }

  private func isEnough(_ found: [UDPSocketEntry], for service: AdoptableService, after time: Nanoseconds) -> Bool {
    if found.count >= service.sockets.count || time >= Self.completionOfFamilies { return true }
    let hasFamilies = [true, false].allSatisfy { ipv4 in
      !service.sockets.contains { $0.entry.takes(ipv4: ipv4) } || found.contains { $0.takes(ipv4: ipv4) }
    }
    return hasFamilies && time >= Self.completion
  }
}
