import EventLoop
import Linux
import Service

/// Listeners beside a running service: opened by the broker, and there only as long as the service is.
final class AdoptedListeners: ListenerSource {
  private let broker: BrokerClient
  private let families: Families
  private let sentinel: Sentinel
  private var service: AdoptableService
  private var watch: ServiceWatch?
  private var tell: (ListenerNews) -> Void = { _ in }

  init(_ broker: BrokerClient, _ sentinel: Sentinel, _ service: AdoptableService, _ families: Families) {
    self.broker = broker
    self.sentinel = sentinel
    self.service = service
    self.families = families
    sentinel.allow(beside: service)
  }

  // MARK: ListenerSource

  /// They may be the service's own, or those of another one that is bound to them alone: nothing to mend there.
  let leavesTakenAddresses = true

  var remark: String? { ", beside \(service.description)" }

  var notes: [String] {
    [
      "\(service.description) sees its clients as addresses of this host from now on: what it grants to loopback, it "
        + "grants to everybody"
    ]
  }

  func open(_ endpoint: Endpoint, workers: Int) throws(Errno) -> [Socket] {
    let sockets = try broker.open(endpoint.address, workers: workers)
    for socket in sockets { sentinel.add(socket, at: endpoint.address) }
    return sockets
  }

  /// Looks for strangers on the port: nobody can have come in whom the kernel was to keep out, and so nothing that is found
  /// can be explained.
  func confirm() throws(ConfigurationError) {
    if let failure = broker.failure {
      throw .process("the adoption broker has ended (\(failure)); start `multihomed adopt` again")
    }
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
    case .back(let entries):
      do throws(ConfigurationError) {
        guard let service = try judge(entries) else { return }
        self.service = service
        watch?.accept(service)
        sentinel.allow(beside: service)
        tell(.granted("\(service.description) is on port \(service.port)"))
      } catch { tell(.ended(error)) }
    }
  }

  /// - Returns: nil when it is gone again.
  private func judge(_ entries: [UDPSocketEntry]) throws(ConfigurationError) -> AdoptableService? {
    do throws(Refusal) {
      guard let facts = try? broker.survey() else { throw .cannotLook(service.port) }
      let found = try AdoptableService(port: service.port, entries: entries, facts: facts, families: families)
      guard let difference = service.difference(to: found) else { return found }
      throw .changed(service.port, found.sockets[0].holder, difference)
    } catch {
      switch error {
      // A socket that came and went, or a process that ended while it was looked at.
      case .nobodyListens, .connected, .otherFamily, .boundToAddresses: return nil
      case .hidden(_, user: service.user): return nil
      default: throw .process(error.message)
      }
    }
  }

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
