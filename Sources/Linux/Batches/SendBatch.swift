import CLinux
import Glibc

/// Up to 64 messages for one socket, gathered without copying from a `ReceiveBatch` and sent by sendmmsg(2).
///
/// The payload is not copied: the receive batch must stay as it is until the messages are sent.
@safe
public struct SendBatch: ~Copyable {
  /// How many messages, and how many pieces of payload over all messages, fit.
  public static let capacity = ReceivedMessages.capacity

  /// What to say beside one message.
  @frozen
  public struct Options: BitwiseCopyable, Sendable {
    /// The IPv4 address to send from, in host order; 0 leaves it to the socket.
    public var source: UInt32 = 0
    /// UDP_SEGMENT: the size of each datagram but the last; 0 when the message is one datagram.
    public var segmentSize: Int32 = 0
    /// DSCP and ECN; 0 leaves it to the socket.
    public var trafficClass: UInt8 = 0
    /// TTL or hop limit; 0 leaves it to the socket.
    public var hopLimit: UInt8 = 0

    /// Everything left to the socket.
    @inlinable
    public init() {}
  }

  /// How many messages wait to be sent.
  public private(set) var count = 0

  private var pieces = 0
  private let headers: UnsafeMutablePointer<mh_mmsghdr>
  private let vectors: UnsafeMutablePointer<iovec>
  private let names: UnsafeMutablePointer<SocketAddress>
  private let controls: UnsafeMutablePointer<UInt8>

  /// Allocates and wires the room.
  public init() {
    let slots = Self.capacity
    unsafe headers = .allocate(capacity: slots)
    unsafe vectors = .allocate(capacity: slots)
    unsafe names = .allocate(capacity: slots)
    unsafe controls = .allocate(capacity: slots * Int(MH_SEND_CONTROL))
    for slot in 0..<slots {
      unsafe names[slot] = SocketAddress()
      unsafe (headers + slot).initialize(to: mh_mmsghdr())
      unsafe headers[slot].header.msg_control = UnsafeMutableRawPointer(controls + slot * Int(MH_SEND_CONTROL))
    }
  }

  deinit {
    unsafe headers.deallocate()
    unsafe vectors.deallocate()
    unsafe names.deallocate()
    unsafe controls.deallocate()
  }

  /// Forgets all messages.
  public mutating func removeAll() {
    count = 0
    pieces = 0
  }

  /// Begins a message; its payload follows by `attach`. There must be room.
  ///
  /// - Parameters:
  ///   - peer: where to; nil on a connected socket.
  ///   - isIPv4: the socket's family, which decides how options are said.
  public mutating func begin(to peer: Endpoint?, isIPv4: Bool, options: Options) {
    precondition(count < Self.capacity)
    let slot = count
    count &+= 1
    if let peer {
      unsafe names[slot] = SocketAddress(peer)
      unsafe headers[slot].header.msg_name = UnsafeMutableRawPointer(names + slot)
      unsafe headers[slot].header.msg_namelen = names[slot].length
    } else {
      unsafe headers[slot].header.msg_name = nil
      unsafe headers[slot].header.msg_namelen = 0
    }
    unsafe headers[slot].header.msg_iov = vectors + pieces
    unsafe headers[slot].header.msg_iovlen = 0
    let said = mh_send_options(
      source: options.source.bigEndian, segment_size: UInt16(options.segmentSize),
      traffic_class: options.trafficClass, hop_limit: options.hopLimit)
    let control = unsafe controls + slot * Int(MH_SEND_CONTROL)
    unsafe headers[slot].header.msg_controllen = mh_write_control(control, isIPv4 ? AF_INET : AF_INET6, said)
  }

  /// Adds bytes of a received message to the message begun last.
  public mutating func attach(_ slot: Int, of batch: borrowing ReceiveBatch, from offset: Int = 0, length: Int) {
    precondition(count > 0 && pieces < Self.capacity && offset &+ length <= ReceiveBatch.slotBytes)
    unsafe vectors[pieces] = iovec(iov_base: batch.payload(of: slot) + offset, iov_len: length)
    // In two steps: with the thread sanitizer, Swift 6.3 makes invalid code of `headers[count - 1].header.msg_iovlen += 1`.
    let last = unsafe headers + (count - 1)
    unsafe last.pointee.header.msg_iovlen += 1
    pieces &+= 1
  }

  /// Hands the messages from `first` on to the kernel, without blocking.
  ///
  /// - Returns: how many it took: fewer than there are when it refused one. The next call from there tells its errno, unless
  ///   that was the news of an earlier datagram's fate, which is told only once: then that call succeeds.
  /// - Throws: the errno of message `first`, which was not sent.
  public func send(on descriptor: Int32, from first: Int) throws(Errno) -> Int {
    precondition(first < count)
    let sent = unsafe mh_send(descriptor, headers + first, UInt32(count - first))
    if sent < 0 { throw Errno(-sent) }
    return Int(sent)
  }

  /// Hands one message on to the kernel.
  ///
  /// - Returns: whether it took it.
  public func sendOne(on descriptor: Int32, at slot: Int) -> Bool {
    precondition(slot < count)
    return unsafe mh_send(descriptor, headers + slot, 1) == 1
  }

  /// Bytes of a message's first piece of payload.
  public func length(of slot: Int) -> Int {
    precondition(slot < count)
    return unsafe headers[slot].header.msg_iov.pointee.iov_len
  }
}
