public import Linux

/// What the data plane met and survived. It counts everything; this is for the log, which must limit itself: trouble may
/// come with every datagram.
public enum Trouble: Sendable, Hashable {
  /// The kernel refused to send datagrams.
  case sendRefused(Direction, Errno)
  /// A socket told an error when read; for a connected upstream, an ICMP error.
  case receiveFailed(Direction, Errno)
  /// No socket towards the backend could be opened for a new session.
  case upstreamUnavailable(Errno)
  /// A new client was refused for want of room.
  case newClientRefused(DropReason)
  /// A listener could not be polled.
  case listenerFailed(Errno)
}
