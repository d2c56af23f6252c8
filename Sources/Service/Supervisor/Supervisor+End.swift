import EventLoop
import Linux
import Logging

// The end.
extension Supervisor {
  /// SIGTERM: a service manager may want to start us anew.
  func beEnded() {
    succession.successor?.cancel()
    if drain == nil, leaveWithManager() { return loop.stop() }
    beginEnd("SIGTERM")
  }

  func beginEnd(_ signal: Logger.Message) {
    if drain != nil { return loop.stop() }
    succession.successor?.cancel()
    logger.notice("\(signal): draining; a second signal ends at once")
    defer { manager.stopping(within: configuration.drainLimit) }
    do throws(Errno) {
      drain = try Drain(loop, crew, limit: configuration.drainLimit) { [unowned self] in self.loop.stop() }
    } catch { loop.stop() }
  }

  func end() {
    metrics.close()
    admin?.close()
    crew.stop()
    sessionLog.stop()
    losses.finish()
    echo?.stop()
    logCounters()
    logger.notice("ended")
  }
}
