import Glibc

/// Hands one value from one thread to another, which waits for it (sem_overview(7)).
@safe
public final class Handover<Value: Sendable>: @unchecked Sendable {
  private let semaphore: UnsafeMutablePointer<sem_t>
  private var value: Value?

  /// Nothing has been given yet.
  public init() {
    unsafe semaphore = .allocate(capacity: 1)
    unsafe sem_init(semaphore, 0, 0)
  }

  deinit {
    unsafe sem_destroy(semaphore)
    unsafe semaphore.deallocate()
  }

  /// Gives the value; once.
  public func give(_ value: Value) {
    self.value = value
    unsafe sem_post(semaphore)
  }

  /// Waits for the value; once.
  public func take() -> Value {
    while unsafe sem_wait(semaphore) != 0 {}
    guard let value else { preconditionFailure("taken twice") }
    return value
  }
}
