import Linux
import Relay
import Service
import Testing

/// The manual's list of metrics and reasons is the code's.
struct ManualTests {
  private static let path =
    "\(#filePath)".split(separator: "/").dropLast(4).map { "/\($0)" }.joined() + "/deploy/man/multihomed-metrics.7"

  private static let lines: [String] = {
    let bytes = (try? BoundedFile.read(path, limit: 1 << 20)) ?? []
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }()

  /// What is listed, as `.It Ic NAME`, between a comment that begins the list and one that ends it.
  private func listed(_ list: String) throws -> [[String]] {
    let begin = try #require(Self.lines.firstIndex(of: ".\\\" begin: \(list)"))
    let end = try #require(Self.lines[begin...].firstIndex(of: ".\\\" end: \(list)"))
    return Self.lines[begin..<end].filter { $0.hasPrefix(".It Ic ") }.map { line in
      line.dropFirst(".It Ic ".count).split(separator: " ").map(String.init)
    }
  }

  @Test func everyMetricIsListedWithItsLabels() throws {
    let expected = Metric.allCases.map { metric in
      [metric.name]
        + metric.labels.enumerated().flatMap { number, label in
          (number == 0 ? ["Brq"] : [","]) + ["Ar", label]
        }
    }
    let found = try listed("metrics").map { $0.filter { $0 != "Ic" } }
    #expect(found == expected)
  }

  @Test func everyReasonToDropIsListed() throws {
    #expect(try listed("drop reasons") == DropReason.allCases.map { [$0.label] })
  }

  @Test func everyReasonToEndIsListed() throws {
    #expect(try listed("end reasons") == EndReason.allCases.map { [$0.label] })
  }
}
