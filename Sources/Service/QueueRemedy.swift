import Linux

/// What can be done about a receive queue that was full, in words.
package struct QueueRemedy: Hashable, Sendable {
  /// How many bytes the queue holds.
  let bytes: Int
  /// How many it was to hold.
  let wanted: Int
  /// net.core.rmem_max; nil where it cannot be read.
  let greatest: Int?

  package init(bytes: Int, wanted: Int, greatest: Int?) {
    self.bytes = bytes
    self.wanted = wanted
    self.greatest = greatest
  }

  /// Whether the kernel gave less than was asked for.
  package var isCut: Bool { bytes < wanted }

  package var text: String {
    if isCut {
      return "it holds \(ByteCount.text(bytes)) where \(ByteCount.text(wanted)) were asked for, because of "
        + "net.core.rmem_max\(now); raise that, and restart: sysctl -w net.core.rmem_max=\(wanted)"
    }
    let more = min(max(wanted, bytes) * 4, 1 << 30)
    let first = greatest.map { $0 < more } ?? false
    return "it holds \(ByteCount.text(bytes)); give more, and restart: --receive-buffer \(ByteCount.text(more))"
      + (first ? ", after sysctl -w net.core.rmem_max=\(more)\(now)" : "")
      + "; or let more --workers serve"
  }

  private var now: String { greatest.map { " (now \($0))" } ?? "" }
}
