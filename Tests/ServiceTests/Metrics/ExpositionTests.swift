import Relay
import Service
import Testing

/// The text that Prometheus reads.
struct ExpositionTests {
  @Test func aMetricIsWrittenWithItsKindAndItsHelp() {
    var exposition = Exposition()
    exposition.add(
      .sessionsCreated, [(labels: ["game"], value: .count(7)), (labels: ["voice"], value: .count(.max))])
    exposition.add(.processorSeconds, .number(0.5))
    #expect(
      exposition.text == """
        # HELP multihomed_sessions_created_total Sessions begun.
        # TYPE multihomed_sessions_created_total counter
        multihomed_sessions_created_total{relay="game"} 7
        multihomed_sessions_created_total{relay="voice"} 18446744073709551615
        # HELP process_cpu_seconds_total User and system time of all threads, in seconds.
        # TYPE process_cpu_seconds_total counter
        process_cpu_seconds_total 0.5

        """)
  }

  @Test func whatHasNoSampleIsLeftOut() {
    var exposition = Exposition()
    exposition.add(.sessions, [])
    exposition.add(.residentBytes, nil)
    #expect(exposition.text.isEmpty)
  }

  @Test(arguments: [
    (#"a"b"#, #"a\"b"#), (#"a\b"#, #"a\\b"#), ("a\nb", #"a\nb"#), (#"\""#, #"\\\""#), ("\r\nü", "\r\\nü"), ("", ""),
  ])
  func labelsAreEscaped(value: String, escaped: String) {
    var exposition = Exposition()
    exposition.add(.sessions, [(labels: [value], value: .count(1))])
    #expect(exposition.text.hasSuffix("multihomed_sessions{relay=\"\(escaped)\"} 1\n"))
  }

  /// Conventions of Prometheus, on which dashboards and promtool lean.
  @Test(arguments: Metric.allCases) func namesAreAsTheyShouldBe(_ metric: Metric) {
    #expect(metric.name.hasPrefix("multihomed_") || metric.name.hasPrefix("process_"))
    #expect(metric.name.utf8.allSatisfy { $0 == UInt8(ascii: "_") || (97...122).contains($0) })
    #expect(metric.help.hasSuffix("."))
    #expect(!metric.help.contains("\n"))
    #expect(Set(metric.labels).count == metric.labels.count)
  }
}
