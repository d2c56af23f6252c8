import CUV
public import Linux

/// An event loop of libuv's (uv_loop_t). One thread runs it; nothing of it may be touched from another, but `Wakeup`.
@safe
public final class Loop {
  let raw: UnsafeMutablePointer<uv_loop_t>

  /// Makes a loop.
  ///
  /// - Throws: EMFILE when no descriptor is left for epoll.
  public init() throws(Errno) {
    let memory = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
    let status = unsafe uv_loop_init(memory)
    // Before `raw` is set: from then on a throw runs deinit, which would close a loop that is none.
    guard status == 0 else {
      unsafe memory.deallocate()
      throw Errno(-status)
    }
    unsafe raw = memory
  }

  deinit {
    // EBUSY would mean that a handle still points into the loop: then memory is kept rather than pulled away.
    if unsafe uv_loop_close(raw) == 0 { unsafe raw.deallocate() }
  }

  /// Runs until `stop()`.
  public func run() {
    unsafe uv_run(raw, UV_RUN_DEFAULT)
  }

  /// Ends `run()` after this turn.
  public func stop() {
    unsafe uv_stop(raw)
  }

  /// Closes every handle that is still open and runs their close callbacks. The loop is done afterwards.
  public func closeAll() {
    let closeOne: uv_walk_cb = { handle, _ in
      guard let handle = unsafe handle, unsafe uv_is_closing(handle) == 0 else { return }
      guard let data = unsafe handle.pointee.data else { return }
      unsafe Unmanaged<Handle>.fromOpaque(data)._withUnsafeGuaranteedRef { $0.close() }
    }
    unsafe uv_walk(raw, closeOne, nil)
    unsafe uv_run(raw, UV_RUN_DEFAULT)
  }
}

/// What all handles of a loop share: libuv's memory, which must live until the close callback has run, and a reference to
/// the Swift object, which libuv's callbacks follow.
@safe
open class Handle {
  let raw: UnsafeMutablePointer<uv_handle_t>
  private var isClosed = false

  /// Allocates libuv's part and lets `initialize` wire it.
  init<Raw>(_ type: Raw.Type, _ initialize: (UnsafeMutablePointer<Raw>) -> Int32) throws(Errno) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<Raw>.size, alignment: 16)
    let status = unsafe initialize(memory.bindMemory(to: Raw.self, capacity: 1))
    unsafe raw = memory.assumingMemoryBound(to: uv_handle_t.self)
    guard status == 0 else {
      unsafe memory.deallocate()
      isClosed = true
      throw Errno(-status)
    }
    unsafe raw.pointee.data = Unmanaged.passRetained(self).toOpaque()
  }

  /// Stops and closes the handle; nothing is called back any more. Closing twice does nothing.
  public func close() {
    if isClosed { return }
    isClosed = true
    unsafe uv_close(raw) { handle in
      guard let handle = unsafe handle, let data = unsafe handle.pointee.data else { return }
      unsafe Unmanaged<Handle>.fromOpaque(data).release()
      unsafe UnsafeMutableRawPointer(handle).deallocate()
    }
  }

  /// Whether `close()` was called.
  public var isClosing: Bool { isClosed }

  func rebound<Raw>(_ type: Raw.Type) -> UnsafeMutablePointer<Raw> {
    unsafe UnsafeMutableRawPointer(raw).assumingMemoryBound(to: Raw.self)
  }
}
