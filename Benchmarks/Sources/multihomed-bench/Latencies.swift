import Histogram

/// Latencies in an HdrHistogram: three digits from a nanosecond to a minute.
struct Latencies {
  private static let longest: UInt64 = 60_000_000_000
  private var histogram = Histogram<UInt64>(highestTrackableValue: longest, numberOfSignificantValueDigits: .three)

  mutating func record(_ nanoseconds: UInt64) { _ = histogram.record(min(nanoseconds, Self.longest)) }

  /// What a report says of them, or nil when there are none.
  var summary: LatencySummary? {
    guard histogram.totalCount > 0 else { return nil }
    func microseconds(_ percentile: Double) -> Double { Self.microseconds(histogram.valueAtPercentile(percentile)) }
    return LatencySummary(
      min: Self.microseconds(histogram.min), mean: histogram.mean / 1000, p50: microseconds(50), p90: microseconds(90),
      p99: microseconds(99), p999: microseconds(99.9), p9999: microseconds(99.99),
      max: Self.microseconds(histogram.max), distribution: distribution)
  }

  /// Percentiles ever closer to 100, with their latencies: enough for a plot.
  private var distribution: [[Double]] {
    histogram.percentiles(ticksPerHalfDistance: 5).map { [$0.percentile, Self.microseconds($0.value)] }
  }

  private static func microseconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1000 }
}

/// Latencies in microseconds.
struct LatencySummary: Encodable {
  let min: Double
  let mean: Double
  let p50: Double
  let p90: Double
  let p99: Double
  let p999: Double
  let p9999: Double
  let max: Double
  let distribution: [[Double]]
}
