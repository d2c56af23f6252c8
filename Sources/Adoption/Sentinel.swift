import EventLoop
import Linux

/// The first to act when the service is gone: closes every listener at once, for the service may be about to bind its port
/// again, and what we hold of it would keep it from that.
///
/// It has a thread of its own, which does nothing else, and with CAP_SYS_NICE comes before every ordinary process: whoever
/// starts the service again has to wait for a processor longer than it. Without, a service that is started again within
/// a few milliseconds on a busy machine may still find its port taken, once.
///
/// Two things ring: the process's end, which the kernel tells directly, and the socket's, which it tells through a thread of
/// its own that on a busy machine may be some ten milliseconds late (measured), but also when the process lives on.
final class Sentinel: @unchecked Sendable {
  /// A listener's socket. Held by whoever serves it; here only to be retired.
  private struct Opened {
    let address: IPAddress
    let inode: UInt64
    weak var socket: Socket?
  }

  private struct State {
    /// What must be there for listeners to be; nil while it is gone.
    var service: AdoptableService?
    var opened: [Opened] = []
  }

  /// A worker in the middle of a system call that has a processor needs a millisecond at most.
  private static let patience = Nanoseconds.milliseconds(10)

  private let port: UInt16
  private let retirement: Retirement
  private let state = Guarded(State())
  private let loop: Loop
  /// For looking, when a flood has used up all other descriptors.
  private let reserve = DescriptorReserve()
  private let doorbell: SocketDoorbell
  private var socketBell: Bell?
  private var wakeup: Wakeup?
  /// Touched by the sentinel's thread alone.
  private var processBells: [Bell] = []

  /// Starts the thread, with the precedence of the one that calls.
  ///
  /// - Throws: EMFILE, EAGAIN, ENOMEM, or ENOENT where the kernel lacks udp_diag.
  init(port: UInt16) throws(Errno) {
    self.port = port
    retirement = try Retirement()
    loop = try Loop()
    doorbell = try SocketDoorbell(port: port)
    socketBell = try Bell(loop, doorbell.socket) { [unowned self] _ in
      doorbell.drain()
      look()
    }
    wakeup = try Wakeup(loop) { [unowned self] in self.watchProcesses() }
    // The process's end is the thread's.
    try Thread(named: "sentinel") { [self] in loop.run() }.detach()
  }

  // MARK: From any thread

  /// From now on listeners may be, as long as this service is.
  func allow(beside service: AdoptableService) {
    state.withLock { $0.service = service }
    // Others may open and close sockets on the port as fast as they can, and this thread comes before everybody.
    doorbell.limit(to: service.cookies)
    wakeup?.send()
  }

  /// Watches over a listener's socket. When the service is gone already, that is retired at once.
  func add(_ socket: Socket, at address: IPAddress) {
    guard let inode = socket.inode else { return }
    state.withLock { state in
      if state.service == nil { return retirement.retire(socket) }
      state.opened.append(Opened(address: address, inode: inode, socket: socket))
    }
  }

  /// Whether listeners may be: false once they were retired, until another service is allowed.
  var isOnDuty: Bool { state.withLock { $0.service != nil } }

  /// Closes every listener.
  func retireAll() {
    state.withLock { state in
      state.service = nil
      for listener in state.opened { listener.socket.map(retirement.retire) }
      state.opened = []
    }
  }

  /// The listeners that are still served: their sockets, and the addresses that these hold.
  func listeners() -> (inodes: Set<UInt64>, addresses: Set<IPAddress>) {
    state.withLock { state in
      state.opened.removeAll { $0.socket == nil }
      return (Set(state.opened.map(\.inode)), Set(state.opened.map(\.address)))
    }
  }

  // MARK: On the sentinel's thread

  private func watchProcesses() {
    for bell in processBells { bell.close() }
    let processes = Set(state.withLock { $0.service?.sockets.map(\.holder.id) } ?? [])
    processBells = processes.compactMap(bell)
    // It may have ended before.
    look()
  }

  private func bell(for process: Int32) -> Bell? {
    guard let handle = try? ProcessHandle(process) else { return nil }
    return try? Bell(loop, handle.descriptor) { [unowned self] bell in
      // A process that has ended rings without a pause.
      bell.close()
      look()
    }
  }

  private func look() {
    guard let service = state.withLock({ $0.service }) else { return }
    let entries = reserve.lend { try? UDPSocketTable.read(port: port) }
    // Whoever cannot look must not be in the service's way.
    if let entries, service.isThere(in: entries) { return }
    let ours = listeners().inodes
    retireAll()
    // A worker that was put off in the middle of sending on a socket keeps it open until it goes on.
    Precedence.lend(atMost: Self.patience) {
      ((try? UDPSocketTable.read(port: port)) ?? []).allSatisfy { !ours.contains($0.inode) }
    }
  }
}
