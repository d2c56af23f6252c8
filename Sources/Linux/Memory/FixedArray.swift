/// So many elements, allocated once, in place. Not `InlineArray`, whose elements the optimiser (6.3) reads by copying the
/// whole array to the stack.
@safe
public struct FixedArray<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline let base: UnsafeMutablePointer<Element>

  /// How many there are.
  public let count: Int

  /// Allocates `count` elements, at least 1, all alike.
  public init(repeating element: Element, count: Int) {
    precondition(count > 0)
    self.count = count
    unsafe base = .allocate(capacity: count)
    unsafe base.initialize(repeating: element, count: count)
  }

  deinit {
    unsafe base.deallocate()
  }

  /// An element in place.
  @inlinable
  public subscript(index: Int) -> Element {
    unsafeAddress {
      precondition(index >= 0 && index < count)
      return unsafe UnsafePointer(base + index)
    }
    unsafeMutableAddress {
      precondition(index >= 0 && index < count)
      return unsafe base + index
    }
  }
}
