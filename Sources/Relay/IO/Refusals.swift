import Linux

/// Where everything ends that the kernel refuses one relay in one worker: counted always, reported for the log.
final class Refusals {
  private let counters: RelayCounters
  let report: @Sendable (Trouble) -> Void

  init(_ counters: RelayCounters, _ report: @escaping @Sendable (Trouble) -> Void) {
    self.counters = counters
    self.report = report
  }

  /// Datagrams were not sent.
  func add(_ direction: Direction, _ errno: Errno, _ datagrams: Int32) {
    counters.refuse(direction, errno, datagrams)
    if direction == .toBackend { counters.noteUnreachable(errno, .now) }
    report(.sendRefused(direction, errno))
  }

  /// A socket told, when it was read, what became of an earlier datagram.
  func tell(_ direction: Direction, _ errno: Errno) {
    counters.refuse(direction, errno, 1)
    report(.receiveFailed(direction, errno))
  }
}
