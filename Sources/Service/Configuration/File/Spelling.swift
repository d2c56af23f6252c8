/// Finds what was most likely meant by a misspelt word.
enum Spelling {
  /// The nearest of some words, if it is near: a third of its letters wrong at most.
  static func nearest(to word: String, among words: [String]) -> String? {
    let measured = words.map { (word: $0, distance: distance(word.lowercased(), $0)) }
    guard let best = measured.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, best.word.count / 3) ? best.word : nil
  }

  /// How many letters have to be added, left out or changed, or swapped with their neighbour, to make one word of the
  /// other (the optimal string alignment distance). `_` counts as `-`.
  static func distance(_ a: String, _ b: String) -> Int {
    // A key of a file may be as long as the file.
    let (a, b) = (letters(a.prefix(64)), letters(b.prefix(64)))
    var rows = [Array(0...b.count)]
    for i in 1..<(a.count + 1) {
      var row = [i]
      for j in 1..<(b.count + 1) {
        let isSame = a[i - 1] == b[j - 1]
        var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (isSame ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, rows[i - 2][j - 2] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }

  private static func letters(_ text: Substring) -> [UInt8] {
    text.utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
  }
}
