import Generator

/// What a run found. Its JSON keys are these names in snake case.
struct Report: Encodable {
  struct Work: Encodable {
    let clients: UInt32
    let outstanding: UInt32
    let window: UInt32
    let rate: UInt64
    let size: UInt32
    let train: UInt32
    let offload: Bool
    let clientsAreSources: Bool
  }

  struct Requests: Encodable {
    let sent: UInt64
    let answered: UInt64
    let lost: UInt64
    let late: UInt64
    let reordered: UInt64
    let misdelivered: UInt64
    let foreign: UInt64
    let refused: UInt64
    let refusedErrno: Int32
    /// Since the generator began, warm-up included.
    let answeredClients: UInt64
  }

  struct Process: Encodable {
    let name: String
    let cpuSeconds: Double
    let userSeconds: Double
    let systemSeconds: Double
    /// Of one processor.
    let cpuPercent: Double
    let cpuMicrosecondsPerRoundTrip: Double?
  }

  struct Lateness: Encodable {
    let meanMicroseconds: Double
    let maxMicroseconds: Double
  }

  let work: Work
  let seconds: Double
  let requests: Requests
  let roundTripsPerSecond: Double
  let bitsPerSecond: Double
  let latencyMicroseconds: LatencySummary?
  /// By how much requests left later than they were meant to; open loop only.
  let sendLateness: Lateness?
  let processes: [Process]

  init(
    _ plan: Plan, from before: Moment, to after: Moment, end: generator_totals, _ latency: LatencySummary?,
    _ watched: [WatchedProcess]
  ) {
    let elapsed = Double(after.time - before.time) / 1e9
    let (first, last) = (before.totals, after.totals)
    let answered = last.answered - first.answered
    let sent = last.sent - first.sent
    work = Work(
      clients: plan.clients, outstanding: plan.outstanding, window: plan.window, rate: plan.rate, size: plan.size,
      train: plan.train, offload: plan.offload, clientsAreSources: plan.firstSource != nil)
    seconds = elapsed
    requests = Requests(
      sent: sent, answered: answered, lost: end.lost - first.lost, late: end.late - first.late,
      reordered: end.reordered - first.reordered, misdelivered: end.misdelivered - first.misdelivered,
      foreign: end.foreign - first.foreign, refused: end.refused - first.refused, refusedErrno: end.refused_errno,
      answeredClients: end.answered_clients)
    roundTripsPerSecond = Double(answered) / elapsed
    bitsPerSecond = Double(last.answered_bytes - first.answered_bytes) * 8 / elapsed
    latencyMicroseconds = latency
    sendLateness =
      plan.rate == 0
      ? nil
      : Lateness(
        meanMicroseconds: Double(last.lateness_sum_ns - first.lateness_sum_ns) / Double(max(sent, 1)) / 1000,
        maxMicroseconds: Double(last.lateness_max_ns) / 1000)
    processes = zip(watched, zip(before.processors, after.processors)).compactMap { process, times in
      guard let first = times.0, let last = times.1 else { return nil }
      return Process(process.name, last - first, elapsed: elapsed, roundTrips: answered)
    }
  }
}

extension Report.Process {
  fileprivate init(_ name: String, _ time: ProcessorTime, elapsed: Double, roundTrips: UInt64) {
    self.init(
      name: name, cpuSeconds: time.total, userSeconds: time.user, systemSeconds: time.system,
      cpuPercent: time.total / elapsed * 100,
      cpuMicrosecondsPerRoundTrip: roundTrips == 0 ? nil : time.total * 1e6 / Double(roundTrips))
  }
}
