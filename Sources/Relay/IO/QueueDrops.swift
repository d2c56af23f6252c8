/// What the kernel has told of the datagrams that a socket's receive queue lost (SO_RXQ_OVFL): their sum since the socket
/// was made, modulo 2^32, with the first message that it takes after a loss and every one from then on. A train (GRO) that is
/// lost counts as one, however many datagrams it has: then the sum is too small.
struct QueueDrops {
  /// The sum that was told last.
  var told: UInt32 = 0

  /// How many more there are now than when this was last asked.
  ///
  /// - Parameter sum: what was told; 0 when nothing was.
  mutating func new(_ sum: UInt32) -> UInt64 {
    let more = Int32(bitPattern: sum &- told)
    // What waited in the queue when somebody else read the sum has an older one with it.
    if sum == 0 || more <= 0 { return 0 }
    told = sum
    return UInt64(more)
  }
}
