import Glibc
public import Linux

/// A state that several threads share, and on whose changes they can wait (pthread_cond_wait(3)).
@safe
public final class Monitor<State>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  /// Guards a state.
  public init(_ state: State) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(changed, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(changed)
    unsafe pthread_mutex_destroy(mutex)
    unsafe changed.deallocate()
    unsafe mutex.deallocate()
  }

  /// Reads or changes the state, alone, and wakes whoever waits.
  @discardableResult
  public func with<Value>(_ body: (inout State) throws -> Value) rethrows -> Value {
    unsafe pthread_mutex_lock(mutex)
    defer {
      unsafe pthread_cond_broadcast(changed)
      unsafe pthread_mutex_unlock(mutex)
    }
    return try body(&state)
  }

  /// Waits until the state yields something.
  ///
  /// - Parameter limit: how long to wait; nil for ever.
  /// - Returns: what it yielded, or nil when the time was over.
  public func wait<Value>(within limit: Nanoseconds? = nil, until body: (inout State) -> Value?) -> Value? {
    let end = limit.map { Instant.now + $0 }
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let value = body(&state) { return value }
      guard let end else {
        unsafe pthread_cond_wait(changed, mutex)
        continue
      }
      if Instant.now >= end { return nil }
      var deadline = timespec(
        tv_sec: Int(end.nanoseconds / 1_000_000_000), tv_nsec: Int(end.nanoseconds % 1_000_000_000))
      unsafe pthread_cond_timedwait(changed, mutex, &deadline)
    }
  }
}
