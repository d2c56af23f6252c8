public import Linux
import Synchronization

/// A row of counters that one thread writes and any thread reads. A write is a plain addition, never a locked one.
///
/// Rows of several workers are made one after the other by one thread. Each has cache lines of its own, so that no worker
/// slows down another that counts at the same time (false sharing); two of them, because processors fetch pairs.
@safe
struct CounterRow: ~Copyable, @unchecked Sendable {
  private static let alignment = 128

  private let storage: UnsafeMutablePointer<Atomic<UInt64>>
  let count: Int

  init(count: Int) {
    self.count = count
    let bytes = count * MemoryLayout<Atomic<UInt64>>.stride
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: (bytes + Self.alignment - 1) / Self.alignment * Self.alignment, alignment: Self.alignment)
    unsafe storage = memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
    for index in 0..<count { unsafe (storage + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe storage.deinitialize(count: count)
    unsafe UnsafeMutableRawPointer(storage).deallocate()
  }

  /// Adds; only on the thread that owns the row.
  @inline(__always)
  func add(_ index: Int, _ amount: UInt64) {
    precondition(index < count)
    let sum = unsafe storage[index].load(ordering: .relaxed) &+ amount
    unsafe storage[index].store(sum, ordering: .relaxed)
  }

  /// Sets; only on the thread that owns the row.
  @inline(__always)
  func set(_ index: Int, to value: UInt64) {
    precondition(index < count)
    unsafe storage[index].store(value, ordering: .relaxed)
  }

  subscript(index: Int) -> UInt64 {
    precondition(index < count)
    return unsafe storage[index].load(ordering: .relaxed)
  }
}

/// What one listener of one worker counts. Outlives the listener, so that an address that goes and comes back goes on
/// counting.
public final class ListenerCounters: Sendable {
  private static let queueDropsIndex = 4
  private let row = CounterRow(count: 5)

  /// All zero.
  public init() {}

  /// Datagrams sent on, and accepted by the kernel, in one direction.
  public func datagrams(_ direction: Direction) -> UInt64 { row[direction.rawValue * 2] }

  /// Bytes of their payload.
  public func bytes(_ direction: Direction) -> UInt64 { row[direction.rawValue * 2 + 1] }

  /// Datagrams that the kernel lost because the listener's receive queue was full (SO_RXQ_OVFL).
  public var receiveQueueDrops: UInt64 { row[Self.queueDropsIndex] }

  @inline(__always)
  package func sent(_ direction: Direction, datagrams: UInt64, bytes: UInt64) {
    row.add(direction.rawValue &* 2, datagrams)
    row.add(direction.rawValue &* 2 &+ 1, bytes)
  }

  package func lostInQueue(_ amount: UInt64) { row.add(Self.queueDropsIndex, amount) }
}

/// What one relay counts in one worker, beside what its listeners count.
public final class RelayCounters: Sendable {
  /// Errnos of Linux reach up to 133 (EHWPOISON).
  private static let errnos = 134
  private let drops = CounterRow(count: DropReason.allCases.count)
  private let ends = CounterRow(count: EndReason.allCases.count)
  private let errors = CounterRow(count: errnos * Direction.allCases.count)
  private let others = CounterRow(count: 6)

  /// All zero.
  public init() {}

  /// Datagrams that were received and not sent on.
  public func dropped(_ reason: DropReason) -> UInt64 { drops[reason.rawValue] }

  /// Sessions that ended.
  public func ended(_ reason: EndReason) -> UInt64 { ends[reason.rawValue] }

  /// Datagrams that the kernel refused to send, and ICMP errors that it told of earlier ones.
  public func sendErrors(_ direction: Direction, _ errno: Errno) -> UInt64 { errors[Self.index(direction, errno)] }

  /// Every errno that was counted in one direction.
  public func sendErrors(_ direction: Direction) -> [(errno: Errno, count: UInt64)] {
    (1..<Self.errnos).map { Errno(Int32($0)) }
      .map { (errno: $0, count: sendErrors(direction, $0)) }
      .filter { $0.count > 0 }
  }

  /// Sessions begun since the start.
  public var sessionsCreated: UInt64 { others[0] }

  /// Sessions there are now.
  public var sessions: UInt64 { others[1] }

  /// Sessions whose client was the last to speak: a reply may still come.
  public var sessionsAwaitingReply: UInt64 { others[3] }

  /// Replies that the kernel lost because an upstream's receive queue was full. At the multiplexing upstream also what its
  /// filter refused: the kernel keeps one number for both.
  public var upstreamQueueDrops: UInt64 { others[2] }

  /// When a connected upstream was last told that its backend is out of reach; 0 for never.
  public var lastUnreachable: Instant { Instant(nanoseconds: others[4]) }

  /// When a connected upstream last had a reply; 0 for never.
  public var lastReply: Instant { Instant(nanoseconds: others[5]) }

  func noteUnreachable(_ errno: Errno, _ now: Instant) {
    if errno.tellsThatNobodyIsThere { others.set(4, to: now.nanoseconds) }
  }

  /// Once a batch, not a datagram.
  @inline(__always)
  func noteReply(_ now: Instant) { others.set(5, to: now.nanoseconds) }

  @inline(__always)
  func drop(_ reason: DropReason, _ datagrams: Int32) { drops.add(reason.rawValue, UInt64(datagrams)) }

  package func refuse(_ direction: Direction, _ errno: Errno, _ datagrams: Int32) {
    errors.add(Self.index(direction, errno), UInt64(datagrams))
  }

  // A sum of steps, not the count of one table: when a relay gets another backend, its old table empties beside the new one.
  func begin() {
    others.add(0, 1)
    others.add(1, 1)
  }

  /// A session that began in another process goes on here.
  func takeOver() { others.add(1, 1) }

  @inline(__always)
  func noteAwaiting(_ change: Int) { others.add(3, UInt64(bitPattern: Int64(change))) }

  func end(_ reason: EndReason) {
    ends.add(reason.rawValue, 1)
    others.add(1, UInt64(bitPattern: -1))
  }

  func lostInUpstreamQueue(_ amount: UInt64) { others.add(2, amount) }

  private static func index(_ direction: Direction, _ errno: Errno) -> Int {
    direction.rawValue * errnos + min(Int(errno.number), errnos - 1)
  }
}

extension Errno {
  /// Whether a connected socket tells with it that earlier datagrams did not reach anybody (ICMP, RFC 1122, section 4.1.3.3),
  /// or that there is no way.
  package var tellsThatNobodyIsThere: Bool {
    self == .connectionRefused || self == .hostUnreachable || self == .networkUnreachable || self == .hostDown
      || self == .protocolUnavailable
  }
}
