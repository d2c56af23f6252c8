package import Linux

/// What we know of a socket that we send on, and what it has refused so far.
package struct SendingSocket {
  let descriptor: Int32
  let isIPv4: Bool
  /// A connected socket tells ICMP errors of earlier datagrams at the next send, which then was not sent.
  let isConnected: Bool
  /// Off after EIO: the device cannot checksum segments.
  private var takesTrains = true
  /// Connected only: trains of longer segments were refused lately (EMSGSIZE: a path with a smaller MTU). Where a socket
  /// has many peers, one with a small MTU must not cost the others their trains.
  private var largestSegment = Int32.max
  private var askAgain = Instant(nanoseconds: 0)

  /// 65,535 less an IPv4 and a UDP header.
  private static let largestIPv4Payload: Int32 = 65_507
  /// After so long a refused size is tried again: the route, and with it the MTU, may have changed.
  private static let memory = Nanoseconds.seconds(10)

  package init(_ socket: Socket, isIPv4: Bool, isConnected: Bool) {
    descriptor = socket.descriptor
    self.isIPv4 = isIPv4
    self.isConnected = isConnected
  }

  /// Whether a train has a chance; if not, it goes datagram by datagram without asking the kernel first.
  package func takes(_ train: Train, now: Instant) -> Bool {
    if train.datagrams == 1 { return true }
    // An IPv6 client's train may be longer than any IPv4 datagram can be.
    guard takesTrains, !isIPv4 || train.bytes <= Self.largestIPv4Payload else { return false }
    return train.segmentSize <= largestSegment || askAgain <= now
  }

  /// Whether a refusal means the train, not its datagrams.
  package static func blamesTrain(_ errno: Errno) -> Bool {
    errno == .messageTooLong || errno == .invalidArgument || errno == .inputOutput
  }

  /// Remembers that a train was refused.
  package mutating func refused(_ train: Train, _ errno: Errno, now: Instant) {
    if errno == .inputOutput { takesTrains = false }
    guard errno == .messageTooLong, isConnected else { return }
    if askAgain <= now { largestSegment = .max }
    largestSegment = min(largestSegment, train.segmentSize - 1)
    askAgain = now + Self.memory
  }

  /// Whether a refusal may be the news of an earlier datagram's fate: then this one is worth a second try.
  package func mayBeOldNews(_ errno: Errno) -> Bool {
    isConnected && errno.tellsThatNobodyIsThere
  }
}
