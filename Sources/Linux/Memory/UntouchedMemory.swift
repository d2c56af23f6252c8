import Glibc

/// A fixed array of zeroed elements in memory that costs nothing until it is touched (mmap(2), MAP_NORESERVE).
///
/// Sized once for the worst case, it never moves, so nothing that is kept in it ever pauses to grow. Elements must be
/// valid when all their bits are zero.
@safe
public struct UntouchedMemory<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline let base: UnsafeMutablePointer<Element>

  /// How many elements there are.
  public let count: Int

  /// Reserves room for `count` elements, at least 1.
  ///
  /// - Throws: ENOMEM when address space or overcommit is exhausted.
  public init(count: Int) throws(Errno) {
    precondition(count > 0)
    let bytes = count * MemoryLayout<Element>.stride
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let memory = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0), unsafe memory != MAP_FAILED else {
      throw Errno.current
    }
    unsafe base = memory.bindMemory(to: Element.self, capacity: count)
    self.count = count
  }

  deinit {
    unsafe munmap(base, count * MemoryLayout<Element>.stride)
  }

  /// An element in place.
  @inlinable
  public subscript(index: Int) -> Element {
    unsafeAddress { unsafe pointer(to: index) }
    unsafeMutableAddress { unsafe mutablePointer(to: index) }
  }

  /// Where an element lies; it never moves.
  @unsafe
  @inlinable
  public func pointer(to index: Int) -> UnsafePointer<Element> {
    precondition(index >= 0 && index < count)
    return unsafe UnsafePointer(base + index)
  }

  /// Where an element lies, to be written to.
  @unsafe
  @inlinable
  public func mutablePointer(to index: Int) -> UnsafeMutablePointer<Element> {
    precondition(index >= 0 && index < count)
    return unsafe base + index
  }
}
