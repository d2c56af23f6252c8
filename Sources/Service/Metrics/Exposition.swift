/// Metrics as Prometheus reads them: its text format, version 0.0.4.
package struct Exposition {
  /// The media type of the text.
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// A value.
  package enum Value: Hashable, Sendable, CustomStringConvertible {
    case count(UInt64)
    case number(Double)

    /// 1 for yes.
    package static func flag(_ flag: Bool) -> Value { .count(flag ? 1 : 0) }

    package var description: String {
      switch self {
      case .count(let count): "\(count)"
      case .number(let number): "\(number)"
      }
    }
  }

  /// The text so far.
  package private(set) var text = ""

  package init() {}

  /// Adds a metric with all its samples; one that has none is left out. Each metric is added once.
  ///
  /// - Parameter samples: of each label the value, in the order of the metric's labels, and the value.
  package mutating func add(_ metric: Metric, _ samples: [(labels: [String], value: Value)]) {
    if samples.isEmpty { return }
    text += "# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(metric.kind)\n"
    for sample in samples {
      text += metric.name
      text += Self.labels(metric.labels, sample.labels)
      text += " \(sample.value)\n"
    }
  }

  /// Adds a metric that has no labels; left out when its value is not known.
  package mutating func add(_ metric: Metric, _ value: Value?) {
    if let value { add(metric, [(labels: [], value: value)]) }
  }

  private static func labels(_ names: [String], _ values: [String]) -> String {
    precondition(names.count == values.count)
    if names.isEmpty { return "" }
    return "{" + zip(names, values).map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",") + "}"
  }

  /// By scalars: a carriage return and a newline are one character.
  private static func escaped(_ value: String) -> String {
    var text = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
