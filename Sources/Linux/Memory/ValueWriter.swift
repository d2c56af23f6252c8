import CLinux
import Glibc

/// A file without a name (memfd_create(2)), which another process of this host can be given to read.
public struct NamelessFile: Sendable {
  /// Its descriptor.
  public let socket: Socket

  /// An empty one.
  ///
  /// - Throws: EMFILE, ENOMEM.
  public init() throws(Errno) { socket = Socket(owning: try checked(mh_open_nameless())) }

  /// One that somebody else has written.
  public init(_ socket: Socket) { self.socket = socket }

  /// Cuts it off (ftruncate(2)).
  package func cut(to length: Int) throws(Errno) { try retrying { ftruncate(socket.descriptor, length) } }
}

/// Writes values to a file, one after the other, as they lie in memory: for a reader of the same build of this program, or
/// one that has checked that it means the same by them.
@safe
public struct ValueWriter: ~Copyable {
  private static let room = 1 << 16

  private let file: NamelessFile
  private let buffer: UnsafeMutableRawPointer
  private var used = 0
  /// The first that went wrong; what comes after it is not written.
  private var failure: Errno?

  /// Begins at the file's beginning.
  public init(_ file: NamelessFile) {
    self.file = file
    unsafe buffer = .allocate(byteCount: Self.room, alignment: 16)
  }

  deinit { unsafe buffer.deallocate() }

  /// Adds a value. That it could not be written is told by `finish()`.
  public mutating func put<Value: BitwiseCopyable>(_ value: Value) {
    let size = MemoryLayout<Value>.size
    precondition(size <= Self.room)
    if used + size > Self.room { flush() }
    unsafe (buffer + used).storeBytes(of: value, as: Value.self)
    used += size
  }

  /// Adds a text.
  public mutating func put(_ text: String) {
    put(UInt32(text.utf8.count))
    for byte in text.utf8 { put(byte) }
  }

  /// Writes what is left.
  ///
  /// - Throws: ENOSPC, ENOMEM, EFBIG: what could not be written.
  public mutating func finish() throws(Errno) {
    flush()
    if let failure { throw failure }
  }

  private mutating func flush() {
    var written = 0
    while written < used, failure == nil {
      let step = unsafe write(file.socket.descriptor, buffer + written, used - written)
      if step > 0 { written += step } else if step == 0 || Errno.current.number != EINTR { failure = .current }
    }
    used = 0
  }
}

/// Reads what a `ValueWriter` has written.
@safe
public struct ValueReader: ~Copyable {
  private static let room = 1 << 16

  private let file: NamelessFile
  private let buffer: UnsafeMutableRawPointer
  private var next = 0
  private var end = 0
  private var offset = 0

  /// Begins at the file's beginning, wherever its writer is.
  public init(_ file: NamelessFile) {
    self.file = file
    unsafe buffer = .allocate(byteCount: Self.room, alignment: 16)
  }

  deinit { unsafe buffer.deallocate() }

  /// The next value. Only of types of which every pattern of bits is a value.
  ///
  /// - Throws: ENODATA when the file has ended, EIO.
  public mutating func take<Value: BitwiseCopyable>(_ type: Value.Type = Value.self) throws(Errno) -> Value {
    let size = MemoryLayout<Value>.size
    precondition(size <= Self.room)
    while end - next < size { try fill() }
    defer { next += size }
    return unsafe (buffer + next).loadUnaligned(as: Value.self)
  }

  /// The next text.
  ///
  /// - Parameter limit: how many bytes it may have.
  /// - Throws: EMSGSIZE when it has more, and as above.
  public mutating func takeText(limit: Int = 4_096) throws(Errno) -> String {
    let count = Int(try take(UInt32.self))
    if count > limit { throw .messageTooLong }
    var bytes: [UInt8] = []
    for _ in 0..<count { bytes.append(try take()) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private mutating func fill() throws(Errno) {
    unsafe memmove(buffer, buffer + next, end - next)
    (next, end) = (0, end - next)
    let step = try retrying {
      Int32(clamping: unsafe pread(file.socket.descriptor, buffer + end, Self.room - end, offset))
    }
    if step == 0 { throw Errno(ENODATA) }
    end += Int(step)
    offset += Int(step)
  }
}
