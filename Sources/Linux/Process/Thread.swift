import CLinux
import Glibc

/// A thread of the kernel's (pthreads(7)), with a name that ps and top show.
public final class Thread: Sendable {
  private let handle: pthread_t

  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void
    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a thread.
  ///
  /// - Parameters:
  ///   - name: at most 15 bytes; more are cut off.
  ///   - body: what it does; the thread ends when it returns.
  /// - Throws: EAGAIN when a limit on threads is reached.
  public init(named name: String, body: @escaping @Sendable () -> Void) throws(Errno) {
    let start = unsafe Unmanaged.passRetained(Start(String(decoding: name.utf8.prefix(15), as: UTF8.self), body))
    var handle = pthread_t()
    let error = unsafe pthread_create(
      &handle, nil,
      { context in
        guard let context = unsafe context else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
        unsafe mh_name_thread(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    guard error == 0 else {
      unsafe start.release()
      throw Errno(error)
    }
    self.handle = handle
  }

  /// Names the calling thread; the first one's name is the process's.
  ///
  /// - Parameter name: at most 15 bytes; a longer one changes nothing.
  public static func nameThis(_ name: String) { unsafe mh_name_thread(name) }

  /// Waits until the thread has ended. Either this or `detach()`, once.
  public func join() {
    pthread_join(handle, nil)
  }

  /// Nobody will wait for the thread: what it holds is freed when it ends.
  public func detach() {
    pthread_detach(handle)
  }
}
