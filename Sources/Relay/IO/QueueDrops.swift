/// What the kernel has told of the datagrams that a socket's receive queue lost (SO_RXQ_OVFL): their sum since the socket
/// was made, modulo 2^32, with the first message that it takes after a loss and every one from then on.
struct QueueDrops {
  /// The sum that was told last.
  var told: UInt32 = 0

  /// How many more there are now than when this was last asked.
  ///
  /// - Parameter sum: what was told; 0 when nothing was.
  mutating func new(_ sum: UInt32) -> UInt64 {
    if sum == 0 { return 0 }
    defer { told = sum }
    return UInt64(sum &- told)
  }
}
