import CLinux
import Glibc

/// A packet that passed an interface.
public struct CapturedPacket: Hashable, Sendable, CustomStringConvertible {
  /// Which way it went, as this host sees it.
  public enum Direction: Hashable, Sendable {
    /// Towards this host, or seen in passing.
    case incoming
    /// Sent by this host.
    case outgoing
  }

  /// Which way it went.
  public let direction: Direction
  /// When it was captured, in nanoseconds since 1970 (CLOCK_REALTIME).
  public let time: UInt64
  /// What it is.
  public let packet: IPPacket

  /// A packet in all its parts.
  public init(direction: Direction, time: UInt64, packet: IPPacket) {
    self.direction = direction
    self.time = time
    self.packet = packet
  }

  /// The line of tcpdump -n, without the time: `IP 172.17.0.1.5678 > 172.17.0.2.40000: UDP, length 5`.
  public var description: String { packet.description }
}

/// A socket that sees every IPv4 and IPv6 packet of one interface (packet(7)). Needs CAP_NET_RAW.
///
/// On lo every packet is seen twice, outgoing and incoming. Checksums are not looked at: on virtual interfaces they are
/// mostly left to hardware that is not there. A train that is not yet cut up (GSO) is seen as one packet.
@safe
public final class PacketCapture {
  /// Room for some 10,000 small packets with the kernel's overhead.
  static let queueBytes: Int32 = 8 << 20
  /// A little more than the largest IP packet, 65,575 bytes with an IPv6 header.
  static let packetBytes = 65_600

  /// The socket, to be polled for readability.
  public let socket: Socket
  private let buffer: UnsafeMutableRawPointer

  /// Listens to an interface of the calling thread's network namespace, from now on.
  ///
  /// - Throws: ENODEV when there is no such interface, EPERM, EMFILE.
  public convenience init(interface: String) throws(Errno) {
    try self.init(socket: PacketCapture.open(interface))
  }

  /// Listens to an interface of another network namespace, from now on.
  ///
  /// - Throws: what `NetworkNamespace.enter()` throws, and as above.
  public convenience init(interface: String, in namespace: NetworkNamespace) throws(Errno) {
    try self.init(socket: namespace.run { () throws(Errno) in try PacketCapture.open(interface) })
  }

  private init(socket: Socket) {
    self.socket = socket
    unsafe buffer = .allocate(byteCount: PacketCapture.packetBytes, alignment: 16)
  }

  deinit { unsafe buffer.deallocate() }

  /// The next packet, or nil when none came in time.
  ///
  /// - Parameter limit: how long to wait; zero takes only what is there.
  /// - Throws: ENETDOWN when the interface was switched off (once), ENOBUFS.
  public func next(within limit: Nanoseconds = Nanoseconds(0)) throws(Errno) -> CapturedPacket? {
    let end = Instant.now + limit
    while true {
      do throws(Errno) {
        if let packet = try receive() { return packet }
      } catch {
        guard error == .again else { throw error }
        guard try socket.waitUntilReadable(within: end - Instant.now) else { return nil }
      }
    }
  }

  /// Every packet that has been captured and not yet been taken.
  ///
  /// - Throws: as `next(within:)`.
  public func drain() throws(Errno) -> [CapturedPacket] {
    var packets: [CapturedPacket] = []
    while let packet = try next() { packets.append(packet) }
    return packets
  }

  /// How many packets were lost since this was last asked, because nobody took them in time.
  public func losses() throws(Errno) -> Int {
    let losses = mh_capture_losses(socket.descriptor)
    if losses < 0 { throw Errno(-losses) }
    return Int(losses)
  }

  private static func open(_ interface: String) throws(Errno) -> Socket {
    guard let index = InterfaceIndex.named(interface) else { throw Errno(ENODEV) }
    let descriptor = mh_open_capture(Int32(clamping: index), queueBytes)
    if descriptor < 0 { throw Errno(-descriptor) }
    return Socket(owning: descriptor)
  }

  /// One packet from the queue; nil when it is not one of ours to decode.
  private func receive() throws(Errno) -> CapturedPacket? {
    var said = mh_capture()
    let result = unsafe mh_receive_capture(socket.descriptor, buffer, PacketCapture.packetBytes, &said)
    if result < 0 { throw Errno(-result) }
    let isIP = said.protocol == MH_ETH_P_IP || said.protocol == MH_ETH_P_IPV6
    let size = min(said.length, PacketCapture.packetBytes)
    let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: buffer, count: size))
    guard isIP, let packet = IPPacket(bytes) else { return nil }
    return CapturedPacket(direction: said.outgoing == 1 ? .outgoing : .incoming, time: said.time, packet: packet)
  }
}
