import Glibc

/// An array of C strings that ends with a null pointer, as execve(2) wants it.
@safe
final class CStrings {
  @unsafe let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int

  init(_ strings: [String]) {
    count = strings.count
    unsafe pointer = .allocate(capacity: count + 1)
    for (place, string) in strings.enumerated() { unsafe (pointer + place).initialize(to: strdup(string)) }
    unsafe (pointer + count).initialize(to: nil)
  }

  deinit {
    for place in 0..<count { unsafe free(pointer[place]) }
    unsafe pointer.deallocate()
  }
}
