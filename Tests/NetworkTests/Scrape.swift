import Linux
import Support

/// What a process's metrics say at one moment.
struct Scrape {
  /// The usual place.
  static let place = ListeningSocket.Place.network(Endpoint(.loopbackIPv4, 9478))

  /// By name, less `multihomed_`, and the labels' values: `sessions{default}`, `process_open_fds`.
  let samples: [String: Double]
  /// The text that was answered.
  let text: String

  /// Asks for them.
  init(_ place: ListeningSocket.Place = place, in namespace: NetworkNamespace) throws {
    let answer = try HTTPAnswer.get("/metrics", from: place, in: namespace)
    guard answer.status == 200 else { throw TestFailure("metrics: \(answer)") }
    text = answer.body
    var samples: [String: Double] = [:]
    for line in answer.body.split(separator: "\n") where !line.hasPrefix("#") {
      let (key, value) = try Self.read(line)
      guard samples.updateValue(value, forKey: key) == nil else { throw TestFailure("twice: \(line)") }
    }
    self.samples = samples
  }

  /// No label of ours has a value with a quote or a brace.
  private static func read(_ line: Substring) throws -> (String, Double) {
    guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
      throw TestFailure("no sample: \(line)")
    }
    let series = line[..<space].split(separator: "{", maxSplits: 1)
    let name = series[0].hasPrefix("multihomed_") ? String(series[0].dropFirst(11)) : String(series[0])
    guard series.count == 2 else { return (name, value) }
    let values = series[1].split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
    return ("\(name){\(values.joined(separator: ","))}", value)
  }

  /// What has been counted: all but zeros, and what is a state or the process's.
  var counted: [String: Double] {
    let states = ["process_", "listener_up", "backend_up", "session_limit", "build_info", "config_last"]
    return samples.filter { sample in sample.value != 0 && !states.contains { sample.key.hasPrefix($0) } }
  }

  /// Waits until exactly this is counted: a client may have its reply a moment before it is.
  static func settle(
    _ place: ListeningSocket.Place = place, in namespace: NetworkNamespace, on expected: [String: Double],
    file: StaticString = #fileID, line: UInt = #line
  ) throws {
    let end = Instant.now + .seconds(10)
    while true {
      let isLast = Instant.now >= end
      let counted = try Scrape(place, in: namespace).counted
      if counted == expected { return }
      if isLast { throw TestFailure("expected \(expected)\n\nbut counted \(counted)", file: file, line: line) }
    }
  }
}
