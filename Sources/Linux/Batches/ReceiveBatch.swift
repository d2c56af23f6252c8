import CLinux
import Glibc

/// Room for 64 messages of 64 KiB, allocated and wired once, filled by recvmmsg(2): by one call, or by several, one after the other.
///
/// 64 KiB a slot, because a GRO train may be that long and a smaller buffer would cut it (MSG_TRUNC). Pages that no
/// datagram ever reaches are never touched.
@safe
public struct ReceiveBatch: ~Copyable {
  /// Bytes of payload that a slot holds: more than the largest UDP payload, 65,527.
  public static let slotBytes = 65_536

  /// The messages there are.
  public private(set) var messages = ReceivedMessages()

  /// How many datagrams this socket's queue has ever lost, as told by the last receive; 0 when it told nothing.
  public private(set) var queueDrops: UInt32 = 0

  private let payload: UntouchedMemory<UInt8>
  private let start: UnsafeMutableRawPointer
  private let headers: UnsafeMutablePointer<mh_mmsghdr>
  private let vectors: UnsafeMutablePointer<iovec>
  private let names: UnsafeMutablePointer<SocketAddress>
  private let controls: UnsafeMutablePointer<UInt8>

  /// Allocates and wires the slots.
  ///
  /// - Throws: ENOMEM.
  public init() throws(Errno) {
    let slots = ReceivedMessages.capacity
    payload = try UntouchedMemory<UInt8>(count: slots * ReceiveBatch.slotBytes)
    unsafe start = UnsafeMutableRawPointer(payload.mutablePointer(to: 0))
    unsafe headers = .allocate(capacity: slots)
    unsafe vectors = .allocate(capacity: slots)
    unsafe names = .allocate(capacity: slots)
    unsafe controls = .allocate(capacity: slots * Int(MH_RECEIVE_CONTROL))
    for slot in 0..<slots {
      unsafe names[slot] = SocketAddress()
      unsafe vectors[slot] = iovec(iov_base: payload(of: slot), iov_len: Self.slotBytes)
      unsafe (headers + slot).initialize(to: mh_mmsghdr())
      unsafe headers[slot].header.msg_iov = vectors + slot
      unsafe headers[slot].header.msg_iovlen = 1
      unsafe headers[slot].header.msg_name = UnsafeMutableRawPointer(names + slot)
      unsafe headers[slot].header.msg_control = UnsafeMutableRawPointer(controls + slot * Int(MH_RECEIVE_CONTROL))
      unsafe rearm(slot)
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
    for slot in 0..<messages.count { unsafe rearm(slot) }
    messages.removeAll()
  }

  /// How many messages still fit.
  public var room: Int { ReceivedMessages.capacity - messages.count }

  /// Receives what waits, up to a full batch, without blocking; what was there is forgotten.
  ///
  /// - Returns: how many messages there are now.
  /// - Throws: EAGAIN when there is nothing; a pending ICMP error such as ECONNREFUSED, after which the next call
  ///   delivers the data that waits behind it.
  public mutating func receive(from descriptor: Int32) throws(Errno) -> Int {
    removeAll()
    return try receiveMore(from: descriptor)
  }

  /// The same behind the messages that are there; there must be room.
  ///
  /// - Returns: how many came.
  /// - Throws: as above.
  public mutating func receiveMore(from descriptor: Int32) throws(Errno) -> Int {
    precondition(room > 0)
    queueDrops = 0
    let first = messages.count
    let received = unsafe mh_receive(descriptor, headers + first, UInt32(room))
    if received < 0 { throw Errno(-received) }
    for slot in first..<(first + Int(received)) { unsafe read(slot) }
    return Int(received)
  }

  /// The first byte of a slot's payload.
  @unsafe
  @inline(__always)
  func payload(of slot: Int) -> UnsafeMutableRawPointer {
    precondition(slot >= 0 && slot < ReceivedMessages.capacity)
    return unsafe start + slot &* Self.slotBytes
  }

  /// The kernel has written over the lengths; without this the next message would be cut.
  @unsafe
  private func rearm(_ slot: Int) {
    unsafe headers[slot].header.msg_namelen = socklen_t(MemoryLayout<sockaddr_in6>.size)
    unsafe headers[slot].header.msg_controllen = Int(MH_RECEIVE_CONTROL)
  }

  @unsafe
  private mutating func read(_ slot: Int) {
    let control = unsafe mh_read_control(&headers[slot].header)
    let cut = MH_MSG_TRUNC | MH_MSG_CTRUNC
    if control.queue_drops != 0 { queueDrops = control.queue_drops }
    messages.append(
      unsafe ReceivedMessage(
        peer: names[slot].endpoint, length: Int32(headers[slot].length), segmentSize: control.segment_size,
        destination: UInt32(bigEndian: control.destination), trafficClass: control.traffic_class,
        hopLimit: control.hop_limit, isTruncated: headers[slot].header.msg_flags & Int32(cut) != 0))
  }
}
