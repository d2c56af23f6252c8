/// Numbers as people read them.
package enum Quantity {
  /// `1,234,567`
  package static func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = number < 0 ? "-" : ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return text
  }

  /// Beyond that, numbers are what a process tells that is not one of ours: what is whole in a Double and fits an Int.
  private static let greatest = 9e15

  /// At most five characters: `999`, `1.2k`, `123k`, `4.5M`; below 100 with a tenth where there is one: `0.5`.
  package static func short(_ number: Double) -> String { scaled(number, by: 1_000, ["", "k", "M", "G", "T", "P"]) }

  /// The same of bytes, in powers of 1,024: `1.2Ki`, at most six characters.
  package static func bytes(_ number: Double) -> String {
    scaled(number, by: 1_024, ["", "Ki", "Mi", "Gi", "Ti", "Pi"])
  }

  /// `45s`, `3m 20s`, `5h 3m`, `12d 4h`
  package static func duration(seconds: Int) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)]
    guard let first = units.firstIndex(where: { seconds >= $0.1 }) else { return "0s" }
    let whole = seconds / units[first].1
    guard first + 1 < units.count else { return "\(whole)s" }
    let rest = seconds % units[first].1 / units[first + 1].1
    return "\(whole)\(units[first].0)" + (rest > 0 ? " \(rest)\(units[first + 1].0)" : "")
  }

  /// The same in one word: `0.4s`, `45s`, `3m20s`.
  package static func brief(seconds: Double) -> String {
    if seconds < 10 { return tenths(max(0, seconds)) + "s" }
    return duration(seconds: Int(min(seconds, greatest))).filter { $0 != " " }
  }

  private static func scaled(_ number: Double, by step: Double, _ units: [String]) -> String {
    var (number, unit) = (min(max(0, number), greatest * 999), 0)
    while number >= 999.5, unit + 1 < units.count { (number, unit) = (number / step, unit + 1) }
    let isWhole = unit == 0 && number == number.rounded()
    return (number >= 99.95 || isWhole ? "\(Int(number.rounded()))" : tenths(number)) + units[unit]
  }

  private static func tenths(_ number: Double) -> String {
    let tenths = Int((number * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}

/// Lines of text in columns.
enum Columns {
  /// A table, with two spaces between columns; of the last one nothing is padded.
  ///
  /// - Parameter right: the columns that hold numbers.
  static func lines(_ rows: [[String]], right: Set<Int> = []) -> [String] {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      row.enumerated().map { column, text in
        if right.contains(column) { return padding(widths[column] - text.count) + text }
        return column + 1 == row.count ? text : text + padding(widths[column] - text.count)
      }.joined(separator: "  ")
    }
  }

  private static func padding(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}

extension String {
  /// So many characters of it: cut, which shows, or filled up.
  func fitted(to width: Int, right: Bool = false) -> String {
    if count > width { return width > 0 ? prefix(width - 1) + "~" : "" }
    let padding = String(repeating: " ", count: width - count)
    return right ? padding + self : self + padding
  }
}
