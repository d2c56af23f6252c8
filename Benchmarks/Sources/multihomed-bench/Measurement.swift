import Generator
import Glibc

/// One run: warm-up, the measured time, and the wait for the last replies.
struct Measurement {
  /// The engine hands over its samples so often.
  private static let slice: UInt64 = 10_000_000
  private static let progressInterval: UInt64 = 500_000_000

  private let plan: Plan
  private let processes: [WatchedProcess]
  private let progress: Progress

  init(_ plan: Plan, _ processes: [WatchedProcess], _ progress: Progress) throws {
    self.plan = plan
    self.processes = processes + [WatchedProcess(name: "generator", pid: getpid())]
    self.progress = progress
    signal(SIGPIPE, SIG_IGN)
  }

  func run() throws -> Report {
    let generator = try LoadGenerator(plan)
    var latencies = Latencies()
    try run(generator, for: plan.warmup, "warm-up") { generator.forgetLatencies() }
    // Else a request of the warm-up that is given up now would be lost, but not sent.
    generator.countLosses()
    let before = Moment(generator, processes)
    try run(generator, for: plan.duration, "measuring") {
      generator.takeLatencies { latencies.record($0) }
    }
    let after = Moment(generator, processes)
    generator.stop()
    // Those that are still under way belong to the measured time, too.
    try run(generator, for: plan.timeout + Self.slice * 10, "last replies", until: { $0.in_flight == 0 }) {
      generator.takeLatencies { latencies.record($0) }
    }
    progress.clear()
    return Report(plan, from: before, to: after, end: generator.totals, latencies.summary, processes)
  }

  private func run(
    _ generator: borrowing LoadGenerator, for duration: UInt64, _ phase: String,
    until isDone: (generator_totals) -> Bool = { _ in false }, each take: () -> Void
  ) throws {
    let start = generator_now()
    var shown = start
    var answered = generator.totals.answered
    while true {
      let now = generator_now()
      let totals = generator.totals
      if now >= start + duration || isDone(totals) || isExhausted(totals) { return take() }
      try generator.run(until: min(now + Self.slice, start + duration))
      take()
      if now >= shown + Self.progressInterval {
        let rate = Double(totals.answered - answered) / (Double(now - shown) / 1e9)
        let seconds = "\((now - start) / 1_000_000_000) of \(duration / 1_000_000_000) s"
        progress.show("\(phase), \(seconds): \(decimal(rate, 0)) replies/s, \(totals.lost) lost")
        (shown, answered) = (now, totals.answered)
      }
    }
  }

  private func isExhausted(_ totals: generator_totals) -> Bool {
    totals.sent >= plan.requests && totals.in_flight == 0
  }
}

/// What had been counted by one moment.
struct Moment {
  let time: UInt64
  let totals: generator_totals
  let processors: [ProcessorTime?]

  init(_ generator: borrowing LoadGenerator, _ processes: [WatchedProcess]) {
    let times = ProcessTimes()
    processors = processes.map { times.time(of: $0) }
    time = generator_now()
    totals = generator.totals
  }
}
