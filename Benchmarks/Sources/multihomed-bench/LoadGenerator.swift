import Generator
import Glibc

/// Why no load could be made.
struct GeneratorFailure: Error, CustomStringConvertible {
  let description: String

  init(_ errno: Int32) {
    let reason = unsafe String(cString: strerror(errno))
    let help =
      switch errno {
      case EMFILE: ": raise the limit on open files (ulimit -n), or use --sources"
      case EADDRNOTAVAIL: ": is the block of --sources routed to this host (ip route add local BLOCK dev lo)?"
      default: ""
      }
    description = "cannot open the generator's sockets: \(reason)\(help)"
  }
}

/// The C engine, owned.
@safe
struct LoadGenerator: ~Copyable {
  private let engine: OpaquePointer

  init(_ plan: Plan) throws {
    var error: Int32 = 0
    let made = unsafe plan.targets.withUnsafeBufferPointer { targets in
      var description = unsafe generator_plan()
      unsafe description.targets = targets.baseAddress
      unsafe description.target_count = UInt32(targets.count)
      unsafe description.clients = plan.clients
      unsafe description.outstanding = plan.outstanding
      unsafe description.window = plan.window
      unsafe description.rate = plan.rate
      unsafe description.size = plan.size
      unsafe description.train = plan.train
      unsafe description.receives_trains = plan.offload
      unsafe description.by_source = plan.firstSource != nil
      if let source = plan.firstSource { unsafe description.first_source = source }
      unsafe description.timeout_ns = plan.timeout
      unsafe description.max_requests = plan.requests
      unsafe description.spins = plan.spin
      return unsafe generator_make(&description, &error)
    }
    guard let made = unsafe made else { throw GeneratorFailure(error) }
    unsafe engine = made
  }

  deinit { unsafe generator_free(engine) }

  var totals: generator_totals { unsafe generator_totals(engine) }

  /// Sends and receives until then, or a little shorter.
  func run(until instant: UInt64) throws {
    let error = unsafe generator_run(engine, instant)
    if error != 0 { throw GeneratorFailure(error) }
  }

  /// From now on, only what is sent from now on can be lost.
  func countLosses() { unsafe generator_count_losses(engine) }

  func stop() { unsafe generator_stop(engine) }

  /// Hands over each latency, in nanoseconds, measured since the last call.
  func takeLatencies(_ take: (UInt64) -> Void) {
    var count = 0
    guard let samples = unsafe generator_samples(engine, &count) else { return }
    for index in 0..<count { unsafe take(samples[index]) }
    unsafe generator_forget_samples(engine)
  }

  func forgetLatencies() { unsafe generator_forget_samples(engine) }
}
