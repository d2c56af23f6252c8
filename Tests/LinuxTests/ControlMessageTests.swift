import CLinux
import Glibc
import Testing

/// How control messages are read, also such as the kernel would never write.
@Suite struct ControlMessageTests {
  private struct Message {
    var level: Int32
    var type: Int32
    var data: [UInt8]
    /// What its header says, when that is not the truth.
    var length: Int?
  }

  private static let header = 16

  /// Reads a buffer that is exactly as long as it says, so that the address sanitizer sees a byte too many.
  private func read(_ bytes: [UInt8]) -> mh_control {
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 8)
    defer { unsafe buffer.deallocate() }
    unsafe bytes.withUnsafeBytes {
      unsafe buffer.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(buffer), byteCount: bytes.count)
    }
    var header = unsafe msghdr()
    unsafe header.msg_control = buffer
    unsafe header.msg_controllen = bytes.count
    return unsafe mh_read_control(&header)
  }

  private func bytes(_ messages: [Message], padded: Bool = true) -> [UInt8] {
    var bytes: [UInt8] = []
    for (number, message) in messages.enumerated() {
      let length = UInt64(bitPattern: Int64(message.length ?? Self.header + message.data.count))
      for part in [length, UInt64(UInt32(message.level)) | UInt64(UInt32(message.type)) << 32] {
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: part >> ($0 * 8)) }
      }
      bytes += message.data
      let isLast = number == messages.count - 1
      while bytes.count % 8 != 0, padded || !isLast { bytes.append(0) }
    }
    return bytes
  }

  private let timeToLive = Message(level: Int32(IPPROTO_IP), type: Int32(IP_TTL), data: [63, 0, 0, 0])
  private let trafficClass = Message(level: Int32(IPPROTO_IP), type: Int32(IP_TOS), data: [0x2e])
  private let destination = Message(
    level: Int32(IPPROTO_IP), type: 8, data: [1, 0, 0, 0, 127, 0, 0, 1, 127, 64, 0, 9])

  @Test(arguments: [true, false])
  func eachIsReadWhateverTheOrderAndThePadding(padded: Bool) {
    for messages in [[timeToLive, destination, trafficClass], [trafficClass, timeToLive, destination]] {
      let control = read(bytes(messages, padded: padded))
      #expect(control.hop_limit == 63)
      #expect(control.traffic_class == 0x2e)
      #expect(UInt32(bigEndian: control.destination) == 0x7f40_0009)
    }
  }

  /// As the kernel cuts the last one when there is no room for it (MSG_CTRUNC).
  @Test(arguments: 0..<12)
  func ofACutOneNothingIsReadBeyondItsEnd(length: Int) {
    var cut = destination
    cut.data = Array(destination.data.prefix(length))
    let control = read(bytes([timeToLive, cut], padded: false))
    #expect(control.hop_limit == 63)
    #expect(control.destination == 0)
  }

  @Test(arguments: [0, 1, 15, 4096, Int.max, -1, -16])
  func aLengthThatCannotBeEndsTheReading(length: Int) {
    var wrong = destination
    wrong.length = length
    let control = read(bytes([timeToLive, wrong, trafficClass]))
    #expect(control.hop_limit == 63)
    #expect(control.destination == 0)
    #expect(control.traffic_class == 0)
  }

  @Test(arguments: 0..<16)
  func lessThanAHeaderIsNothing(length: Int) {
    let control = read(Array(bytes([timeToLive]).prefix(length)))
    #expect(control.hop_limit == 0)
  }
}
