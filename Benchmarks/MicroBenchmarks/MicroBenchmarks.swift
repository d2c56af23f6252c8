import Benchmark
import Workloads

/// How long each workload of the core takes. The figures are those of one operation: a look-up, a session, a batch of 64.
let benchmarks: @Sendable () -> Void = {
  // The clock is read twice for every 1,000 operations.
  let configuration = Benchmark.Configuration(
    metrics: [.wallClock], timeUnits: .nanoseconds, warmupIterations: 10, scalingFactor: .kilo,
    maxDuration: .seconds(1), maxIterations: 100_000)

  for workload in Workload.all {
    Benchmark(workload.name, configuration: configuration) { benchmark, work in
      let operations = benchmark.configuration.scalingFactor.rawValue
      work.prepare(operations)
      benchmark.startMeasurement()
      work.run(operations)
      benchmark.stopMeasurement()
    } setup: {
      try workload.begin()
    }
  }
}
