public import EventLoop
public import Linux

/// Watches the addresses of this host: netlink is the doorbell, a snapshot the answer.
///
/// The first ring is answered at once, so that nothing is sent from an address that is gone; the rings of the following
/// `quiet` are answered together, so that a burst of thousands costs a handful of snapshots. Without a ring nothing is done.
public final class AddressMonitor {
  /// What the monitor tells.
  public enum Event {
    /// A new snapshot was taken. It need not differ from the last one: an address may have become usable.
    case changed(Snapshot)
    /// No snapshot could be taken: the last one stays valid, another try follows.
    case failed(Errno)
  }

  /// How long rings are collected after an answered one. Well below the 100 ms within which a new address must answer.
  static let quiet = Nanoseconds.milliseconds(10)
  /// When a snapshot that failed, for want of a descriptor most likely, is tried again.
  static let retry = Nanoseconds.milliseconds(500)

  private final class Bell: Readiness {
    var rung: () -> Void = {}
    override func becameReadable() { rung() }
  }

  private let doorbell: AddressDoorbell
  private let bell: Bell
  private let take: () -> Result<Snapshot, Errno>
  private let tell: (Event) -> Void
  private var timer: Timer?
  private var isRungAgain = false

  /// Opens the doorbell. Take the first snapshot after this, and no change is missed.
  ///
  /// - Parameters:
  ///   - take: how a snapshot is taken.
  ///   - tell: called on the loop's thread.
  /// - Throws: EMFILE, or EPERM where a sandbox forbids netlink.
  public init(
    _ loop: Loop, take: @escaping () -> Result<Snapshot, Errno> = AddressMonitor.takeSnapshot,
    tell: @escaping (Event) -> Void
  ) throws(Errno) {
    self.take = take
    self.tell = tell
    doorbell = try AddressDoorbell()
    bell = try Bell(loop, doorbell.socket)
    timer = try Timer(loop) { [unowned self] in self.quietIsOver() }
    bell.rung = { [unowned self] in self.answer() }
    bell.start()
  }

  /// Takes a snapshot from the kernel.
  public static func takeSnapshot() -> Result<Snapshot, Errno> {
    Result { () throws(Errno) in try Snapshot.take() }
  }

  /// Stops watching. Must be called before the monitor goes.
  public func close() {
    bell.close()
    timer?.close()
  }

  private func answer() {
    if doorbell.drain() != .silent { rung() }
  }

  /// The doorbell has rung.
  package func rung() {
    if timer?.isRunning == true {
      isRungAgain = true
    } else {
      look()
    }
  }

  private func quietIsOver() {
    if isRungAgain { look() }
  }

  private func look() {
    isRungAgain = false
    switch take() {
    case .success(let snapshot):
      timer?.start(after: Self.quiet)
      tell(.changed(snapshot))
    case .failure(let error):
      isRungAgain = true
      timer?.start(after: Self.retry)
      tell(.failed(error))
    }
  }
}
