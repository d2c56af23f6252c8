import EventLoop
import Linux
import Service

/// Listeners beside a running service: opened by the broker, and there only as long as the service is.
final class AdoptedListeners: ListenerSource {
  private let broker: BrokerClient
  private let families: Families
  private let sentinel: Sentinel
  private var service: AdoptableService
  /// How long the process of a socket that has come may be out of sight, as it is while it begins.
  private static let patience = Nanoseconds.seconds(2)

  private let sourcePool: CIDR?
  private var watch: ServiceWatch?
  /// Since when there has been a socket whose process cannot be seen.
  private var hiddenSince: Instant?
  private var tell: (ListenerNews) -> Void = { _ in }

  /// - Parameter sourcePool: what the service sees its clients as, unless it is the usual.
  init(
    _ broker: BrokerClient, _ sentinel: Sentinel, _ service: AdoptableService, _ families: Families, sourcePool: CIDR?
  ) {
    self.broker = broker
    self.sentinel = sentinel
    self.service = service
    // Whoever has the other family of the port is nothing to us, now and later.
    self.families = service.served(of: families)
    self.sourcePool = sourcePool
    sentinel.allow(beside: service)
  }

  // MARK: ListenerSource

  /// They may be the service's own, or those of another one that is bound to them alone: nothing to mend there.
  let leavesTakenAddresses = true

  var remark: String? { ", beside \(service.description)" }

  let canBeKept = false
  let obstacleToHandingOver: String? =
    "a relay beside a running service cannot be handed over to another process; restart `multihomed adopt` instead: the "
    + "service goes on meanwhile"
  var notes: [String] {
    let pool = sourcePool.flatMap { $0.base.isLoopback || !service.takesIPv4 ? nil : $0 }
    let seenAs = pool.map { "addresses of \($0)" } ?? "addresses of this host"
    return [
      "\(service.description) sees its clients as \(seenAs) from now on: what it grants to \(pool == nil ? "loopback" : "those"), "
        + "it grants to everybody"
    ] + service.cautions
  }

  func open(_ endpoint: Endpoint, workers: Int) throws(Errno) -> [Socket] {
    let sockets = try broker.open(endpoint.address, workers: workers)
    for socket in sockets { sentinel.add(socket, at: endpoint.address) }
    return sockets
  }

  /// Looks for strangers on the port: nobody can have come in whom the kernel was to keep out, and so nothing that is found
  /// can be explained.
  func confirm() throws(ConfigurationError) {
    if broker.failure != nil { throw .process(Self.withoutBroker) }
    guard let entries = try? UDPSocketTable.read(port: service.port) else { return }
    guard let stranger = stranger(among: entries) else { return }
    let process = try? broker.survey().first { $0.inode == stranger.inode }?.view.holder
    throw .process(
      "another socket of user \(stranger.user) is on \(stranger.local) beside \(service.description): "
        + "\(process.map { "\($0)" } ?? "its process cannot be seen"); find out who that is before you adopt port "
        + "\(service.port) again")
  }

  func watch(on loop: Loop, _ tell: @escaping (ListenerNews) -> Void) throws(Errno) {
    self.tell = tell
    try broker.watch(on: loop) { _ in tell(.troubled(Self.withoutBroker)) }
    watch = try ServiceWatch(loop, service, families, isGuarded: { [sentinel] in sentinel.isOnDuty }) {
      [unowned self] in self.hear($0)
    }
  }

  // MARK: What happens

  private func hear(_ news: ServiceWatch.News) {
    switch news {
    case .gone(let service):
      // Most likely that is done.
      sentinel.retireAll()
      tell(
        .withdrawn("\(service.description) has left port \(service.port), which is free for it again; waiting for it"))
    case .back:
      do throws(ConfigurationError) {
        guard let service = try judge() else { return }
        self.service = service
        watch?.accept(service)
        sentinel.allow(beside: service)
        tell(.granted("\(service.description) is on port \(service.port)"))
      } catch { tell(.ended(error)) }
    }
  }

  /// - Returns: nil when it is gone again.
  private func judge() throws(ConfigurationError) -> AdoptableService? {
    do throws(Refusal) {
      let found = try AdoptableService.find(service.port, families, broker)
      guard let difference = service.difference(to: found) else {
        hiddenSince = nil
        return found
      }
      throw .changed(service.port, found.sockets[0].holder, difference)
    } catch {
      switch error {
      // A socket that came and went, or a process that ended while it was looked at.
      case .nobodyListens, .connected, .otherFamily, .boundToAddresses: hiddenSince = nil
      case .hidden(_, user: service.user) where isToBeWaitedFor(): break
      default: throw .process(error.message)
      }
      return nil
    }
  }

  private func isToBeWaitedFor() -> Bool {
    let since = hiddenSince ?? .now
    hiddenSince = since
    return .now - since < Self.patience
  }

  private static let withoutBroker =
    "the adoption broker has ended, without which neither a new address nor a service that is started anew can be adopted; "
    + "start `multihomed adopt` again"

  private func stranger(among entries: [UDPSocketEntry]) -> UDPSocketEntry? {
    let known = service.inodes
    let (ours, addresses) = sentinel.listeners()
    return entries.first { entry in
      if known.contains(entry.inode) || ours.contains(entry.inode) { return false }
      // A service with a socket for each thread may add some.
      if entry.isWildcard { return families.meets(entry) && !(service.sharesPort && entry.user == service.user) }
      return entry.local == service.backend || entry.peer == nil && addresses.contains(entry.local.address)
    }
  }
}
