/// Text in columns and lines that fit a terminal of 80 columns.
enum Layout {
  static let width = 80

  /// Breaks a text at its spaces. A word that is longer than the width stays whole: it may be a command to be copied.
  static func wrap(_ text: String, width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] += " \(word)"
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  /// A paragraph, moved in.
  static func paragraph(_ text: String, indent: Int) -> [String] {
    let margin = String(repeating: " ", count: indent)
    return wrap(text, width: width - indent).map { margin + $0 }
  }

  /// A table whose last column is wrapped, and at least half a line wide, or 36 columns.
  static func table(_ rows: [[String]], indent: Int = 0) -> [String] {
    guard let first = rows.first else { return [] }
    let widths = (0..<(first.count - 1)).map { column in rows.map { $0[column].count }.max() ?? 0 }
    let margin = widths.reduce(indent) { $0 + $1 + 2 }
    return rows.flatMap { row -> [String] in
      let head = zip(row, widths).map { $0.padded(to: $1 + 2) }.joined()
      let wrapped = wrap(row[row.count - 1], width: max(36, width - margin))
      let lines = wrapped.isEmpty ? [""] : wrapped
      return lines.enumerated().map { index, line in
        let start = index == 0 ? String(repeating: " ", count: indent) + head : String(repeating: " ", count: margin)
        return (start + line).trimmingEnd
      }
    }
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  fileprivate var trimmingEnd: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
